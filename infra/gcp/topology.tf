# What exists is said in shared/topology.toml; `make build` copies it to topology.json, and a test compares the two.
locals {
  topology = jsondecode(file("${path.module}/topology.json"))

  targets = merge([
    for function, targets in local.topology.functions : {
      for name, target in targets : "${function}-${name}" => {
        function  = function
        name      = name
        service   = "onestop-${function}-${name}"
        max       = target.max
        paths     = toset(try(target.paths, []))
        publishes = toset(try(target.publishes, []))
        uses      = toset(try(target.uses, []))
        reads     = toset(try(target.reads, []))
      }
    }
  ]...)
  fronts = { for id, target in local.targets : id => target if target.name != "events" } # people come here
  desks  = { for id, target in local.fronts : id => target if target.name == "desk" }
  events = { for id, target in local.targets : id => target if target.name == "events" } # Pub/Sub pushes here

  # The address that Cloud Run gives a service is known before the service exists, so a function can be told its own.
  # https://cloud.google.com/run/docs/triggering/https-request#deterministic
  push_urls = {
    for id, target in local.events : id => "https://${target.service}-${data.google_project.this.number}.${var.region}.run.app"
  }
}

data "google_project" "this" {
  project_id = var.project
}

resource "google_project_service" "api" {
  for_each = toset([
    "artifactregistry.googleapis.com",
    "billingbudgets.googleapis.com",
    "cloudbuild.googleapis.com",
    "cloudfunctions.googleapis.com",
    "cloudscheduler.googleapis.com",
    "cloudtrace.googleapis.com",
    "compute.googleapis.com",
    "firestore.googleapis.com",
    "iam.googleapis.com",
    "iap.googleapis.com",
    "logging.googleapis.com",
    "monitoring.googleapis.com",
    "pubsub.googleapis.com",
    "run.googleapis.com",
    "secretmanager.googleapis.com",
    "storage.googleapis.com",
    "telemetry.googleapis.com",
  ])
  service            = each.key
  disable_on_destroy = false
}
