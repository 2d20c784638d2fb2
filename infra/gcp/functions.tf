resource "google_storage_bucket" "packages" {
  name                        = "${var.project}-onestop-packages"
  location                    = var.region
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"
  depends_on                  = [google_project_service.api]
}

# The content's hash is in the name, so a function is deployed again exactly when its zip changed.
resource "google_storage_bucket_object" "package" {
  for_each = var.packages
  bucket   = google_storage_bucket.packages.name
  name     = basename(each.value)
  source   = each.value
}

resource "google_cloudfunctions2_function" "target" {
  for_each    = local.targets
  name        = each.value.service
  location    = var.region
  description = "onestop ${each.value.function}.${each.value.name}"

  build_config {
    runtime         = var.runtime
    entry_point     = each.value.name
    service_account = google_service_account.builder.id
    source {
      storage_source {
        bucket = google_storage_bucket.packages.name
        object = google_storage_bucket_object.package[each.value.function].name
      }
    }
  }

  service_config {
    service_account_email            = google_service_account.target[each.key].email
    ingress_settings                 = each.value.name == "events" ? "ALLOW_INTERNAL_ONLY" : "ALLOW_INTERNAL_AND_GCLB"
    available_cpu                    = local.topology.server.cloud.cpu
    available_memory                 = local.topology.server.cloud.memory
    max_instance_request_concurrency = local.topology.server.cloud.workers * local.topology.server.cloud.threads
    min_instance_count               = lookup(var.min_instances, each.key, 0)
    max_instance_count               = each.value.max
    # A push that outlives its acknowledgement deadline is delivered again: stop it there.
    timeout_seconds = local.topology.delivery.ack_deadline

    environment_variables = merge(
      {
        WORKERS                 = local.topology.server.cloud.workers
        THREADS                 = local.topology.server.cloud.threads
        GOOGLE_CLOUD_PROJECT    = var.project
        ONESTOP_ENGINE          = "cloud"
        ONESTOP_BASE_URL        = "https://${var.domain}"
        ONESTOP_MAIL_FROM       = var.mail_from
        ONESTOP_SMTPUTF8        = var.smtputf8 ? "on" : "off"
        ONESTOP_ALLOWED_ORIGINS = join(" ", var.allowed_origins)
        ONESTOP_TRUSTED_HOPS    = 2 # the load balancer appends the client's address and its own to X-Forwarded-For
      },
      var.reply_domain == null ? {} : { ONESTOP_REPLY_DOMAIN = var.reply_domain },
      var.inbound_authserv == null ? {} : { ONESTOP_INBOUND_AUTHSERV = var.inbound_authserv },
      contains(each.value.uses, "files") ? { ONESTOP_FILES_BUCKET = google_storage_bucket.files.name } : {},
      each.value.name == "events" ? {
        ONESTOP_PUSH_AUTH     = "platform" # Cloud Run lets the pusher alone in, and removes the signature of its token
        ONESTOP_PUSH_AUDIENCE = local.push_urls[each.key]
        ONESTOP_PUSH_ACCOUNT  = google_service_account.pusher.email
      } : {},
      var.traces == null ? {} : {
        OTEL_TRACES_EXPORTER                               = "otlp"
        OTEL_TRACES_SAMPLER                                = var.traces
        OTEL_EXPORTER_OTLP_ENDPOINT                        = "https://telemetry.googleapis.com"
        OTEL_PYTHON_EXPORTER_OTLP_HTTP_CREDENTIAL_PROVIDER = "gcp_http_credentials"
        OTEL_RESOURCE_ATTRIBUTES                           = "gcp.project_id=${var.project}"
        OTEL_SERVICE_NAME                                  = each.value.service
      },
      local.proxied && each.value.name == "desk" ? {
        ONESTOP_IAP_AUDIENCE = "/projects/${data.google_project.this.number}/global/backendServices/${google_compute_backend_service.front[each.key].generated_id}"
      } : {},
    )

    dynamic "secret_environment_variables" {
      for_each = local.secrets_of[each.key]
      content {
        key        = secret_environment_variables.value
        project_id = var.project
        secret     = google_secret_manager_secret.secret[secret_environment_variables.key].secret_id
        version    = "latest"
      }
    }
  }

  depends_on = [
    google_firestore_database.store,
    google_project_iam_member.builder,
    google_project_iam_member.builder_sources,
    google_secret_manager_secret_iam_member.reader,
  ]
}
