# One service account for each target, with the roles that the target uses and no others.

resource "google_service_account" "target" {
  for_each     = local.targets
  account_id   = each.value.service
  display_name = "onestop ${each.value.function}.${each.value.name}"
  depends_on   = [google_project_service.api]
}

# Firestore grants by database, not by collection: who is staff and who is signed in lies in a database of its own, which
# a public function cannot write. That a slice reads only its own documents in the other is held by import contracts.
# https://firebase.google.com/docs/firestore/manage-databases#configure_per-database_access_permissions
locals {
  store_rights = merge([
    for id, target in local.targets : merge(
      { "${id} (default)" = { id = id, database = "(default)", role = "roles/datastore.user" } },
      { for name in setintersection(target.uses, local.databases) : "${id} ${name}" => { id = id, database = name, role = "roles/datastore.user" } },
      { for name in setintersection(target.reads, local.databases) : "${id} ${name}" => { id = id, database = name, role = "roles/datastore.viewer" } },
    )
  ]...)
}

resource "google_project_iam_member" "store" {
  for_each = local.store_rights
  project  = var.project
  role     = each.value.role
  member   = google_service_account.target[each.value.id].member
  condition {
    title      = "database ${each.value.database} only"
    expression = "resource.name == \"projects/${var.project}/databases/${each.value.database}\""
  }
}

resource "google_pubsub_topic_iam_member" "publisher" {
  for_each = merge([
    for id, target in local.targets : { for topic in target.publishes : "${id} ${topic}" => { id = id, topic = topic } }
  ]...)
  topic  = google_pubsub_topic.topic[each.value.topic].name
  role   = "roles/pubsub.publisher"
  member = google_service_account.target[each.value.id].member
}

resource "google_storage_bucket_iam_member" "files" {
  for_each = { for id, target in local.targets : id => target if contains(target.uses, "files") }
  bucket   = google_storage_bucket.files.name
  role     = "roles/storage.objectUser"
  member   = google_service_account.target[each.key].member
}

resource "google_project_iam_member" "traces" {
  for_each = { for id, target in local.targets : id => target if var.traces != null }
  project  = var.project
  role     = "roles/telemetry.tracesWriter"
  member   = google_service_account.target[each.key].member
}

resource "google_secret_manager_secret_iam_member" "reader" {
  for_each = merge([
    for id, target in local.targets : { for secret, key in local.secrets_of[id] : "${id} ${secret}" => { id = id, secret = secret } }
  ]...)
  secret_id = google_secret_manager_secret.secret[each.value.secret].secret_id
  role      = "roles/secretmanager.secretAccessor"
  member    = google_service_account.target[each.value.id].member
}

# Signs Pub/Sub's pushes; the only account that may call an events target.
resource "google_service_account" "pusher" {
  account_id   = "onestop-pusher"
  display_name = "onestop Pub/Sub push"
  depends_on   = [google_project_service.api]
}

resource "google_service_account_iam_member" "pusher_tokens" {
  service_account_id = google_service_account.pusher.name
  role               = "roles/iam.serviceAccountTokenCreator"
  member             = local.pubsub_agent
}

resource "google_cloud_run_v2_service_iam_member" "pusher" {
  for_each = local.events
  location = var.region
  name     = google_cloudfunctions2_function.target[each.key].name
  role     = "roles/run.invoker"
  member   = google_service_account.pusher.member
}

# The load balancer carries no identity: web and desk are open to it (and to nothing else, by their ingress setting),
# unless Identity-Aware Proxy stands before the desk.
resource "google_cloud_run_v2_service_iam_member" "front" {
  for_each = local.fronts
  location = var.region
  name     = google_cloudfunctions2_function.target[each.key].name
  role     = "roles/run.invoker"
  member   = local.proxied && each.value.name == "desk" ? local.iap_agent : "allUsers"
}

# Cloud Build makes the containers; it reads sources and writes images and logs.
resource "google_service_account" "builder" {
  account_id   = "onestop-builder"
  display_name = "onestop function builds"
  depends_on   = [google_project_service.api]
}

resource "google_project_iam_member" "builder" {
  for_each = toset(["roles/artifactregistry.writer", "roles/logging.logWriter"])
  project  = var.project
  role     = each.key
  member   = google_service_account.builder.member
}

resource "google_project_iam_member" "builder_sources" {
  project = var.project
  role    = "roles/storage.objectViewer"
  member  = google_service_account.builder.member
  condition {
    title      = "sources of functions only"
    expression = "resource.name.startsWith(\"projects/_/buckets/gcf-v2-\") || resource.name.startsWith(\"projects/_/buckets/${google_storage_bucket.packages.name}\")"
  }
}
