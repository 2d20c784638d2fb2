# Who looked at what, and what must not be written down.

locals {
  # By the name under which the service is configured, and whether the functions' own accesses are left out: their pages
  # keep an audit of their own, and a line for each document that a visitor's page reads would bury a person's.
  # https://cloud.google.com/firestore/docs/audit-logging
  audited = {
    "datastore.googleapis.com"     = true # Firestore
    "storage.googleapis.com"       = true
    "pubsub.googleapis.com"        = true
    "secretmanager.googleapis.com" = false
  }

  # Whoever holds such a link may do what it says, so no request log may hold it: neither as the address nor as the page
  # that a request came from.
  bearer_links = "/(${join("|", [for path in local.topology.bearer_paths : trim(path, "/")])})/"
}

# Data Access audit logs: people and programs other than ours that read or write documents, files, messages, secrets.
resource "google_project_iam_audit_config" "data_access" {
  for_each = local.audited
  project  = var.project
  service  = each.key
  dynamic "audit_log_config" {
    for_each = toset(["ADMIN_READ", "DATA_READ", "DATA_WRITE"])
    content {
      log_type         = audit_log_config.value
      exempted_members = each.value ? [for account in google_service_account.target : account.member] : []
    }
  }
}

# The load balancer and Cloud Run log whole URLs by themselves; our own logs mask them (shared/observability/logs.py).
# Metrics and # alerts count these requests all the same.
resource "google_logging_project_exclusion" "bearer_links" {
  name        = "onestop-bearer-links"
  description = "requests whose address or referrer carries a personal link"
  filter      = "httpRequest.requestUrl=~\"${local.bearer_links}\" OR httpRequest.referer=~\"${local.bearer_links}\""
  depends_on  = [google_project_service.api]
}
