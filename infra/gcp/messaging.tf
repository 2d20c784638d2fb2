locals {
  pubsub_agent = "serviceAccount:service-${data.google_project.this.number}@gcp-sa-pubsub.iam.gserviceaccount.com"
  dead_letters = "dead-letters"
  retention    = "${local.topology.delivery.retention}s"
  # A subscription gets the events of its types, as far as a filter can say that. Longer than 256 bytes it may not be:
  # then it gets all of the topic, and its function acknowledges what is not for it.
  filters = {
    for name, s in local.topology.subscriptions :
    name => join(" OR ", [for type in sort(try(s.types, [])) : "attributes.type=\"${type}\""])
  }
  push_subscriptions = { for name, s in local.topology.subscriptions : name => s if s.topic != local.dead_letters }
}

resource "google_pubsub_topic" "topic" {
  for_each = local.topology.topics
  name     = each.key
  # 14 days on the dead letters, so that the whole topic can be replayed after the desk looked away; not longer than
  # backups are kept, since they hold what people wrote. A day on the others, for a subscription that is made anew.
  message_retention_duration = each.key == local.dead_letters ? "${14 * 24 * 3600}s" : "${24 * 3600}s"
  kms_key_name               = var.kms_key
  message_storage_policy {
    allowed_persistence_regions = [var.region]
  }
  depends_on = [google_project_service.api, google_kms_crypto_key_iam_member.agent]
}

resource "google_pubsub_subscription" "push" {
  for_each                   = local.topology.subscriptions
  name                       = each.key
  topic                      = google_pubsub_topic.topic[each.value.topic].id
  ack_deadline_seconds       = local.topology.delivery.ack_deadline
  message_retention_duration = local.retention
  filter                     = length(local.filters[each.key]) <= 256 ? local.filters[each.key] : null

  expiration_policy {
    ttl = "" # never, however quiet
  }

  push_config {
    push_endpoint = local.push_urls["${each.value.function}-events"]
    oidc_token {
      service_account_email = google_service_account.pusher.email
      audience              = local.push_urls["${each.value.function}-events"]
    }
  }

  retry_policy {
    minimum_backoff = "${local.topology.delivery.backoff[0]}s"
    maximum_backoff = "${local.topology.delivery.backoff[1]}s"
  }

  dynamic "dead_letter_policy" { # dead letters themselves are tried until they are stored or too old
    for_each = each.value.topic == local.dead_letters ? [] : [local.topology.delivery.attempts]
    content {
      dead_letter_topic     = google_pubsub_topic.topic[local.dead_letters].id
      max_delivery_attempts = dead_letter_policy.value
    }
  }

  # A filter cannot be changed: Terraform makes the subscription anew, and what its predecessor still held is delivered
  # from the topic, after at most 8 attempts in less than an hour. What was handled before is known as a duplicate.
  provisioner "local-exec" {
    command = "gcloud pubsub subscriptions seek ${self.name} --time=-p1d --project=${var.project}"
  }

  depends_on = [google_cloud_run_v2_service_iam_member.pusher]
}

# Pub/Sub itself moves a message: it publishes the dead letter and acknowledges the original.
# https://cloud.google.com/pubsub/docs/handling-failures#grant_forwarding_permissions
resource "google_pubsub_topic_iam_member" "dead_letters" {
  topic  = google_pubsub_topic.topic[local.dead_letters].name
  role   = "roles/pubsub.publisher"
  member = local.pubsub_agent
}

resource "google_pubsub_subscription_iam_member" "dead_letters" {
  for_each     = local.push_subscriptions
  subscription = google_pubsub_subscription.push[each.key].name
  role         = "roles/pubsub.subscriber"
  member       = local.pubsub_agent
}

resource "google_cloud_scheduler_job" "schedule" {
  for_each  = local.topology.schedules
  name      = "onestop-${each.key}"
  region    = var.region
  schedule  = each.value.cron
  time_zone = "Etc/UTC"

  pubsub_target {
    topic_name = google_pubsub_topic.topic[each.value.topic].id
    data       = base64encode("{}")
    attributes = { # an envelope without news: a tick is no event to remember, the consumer looks at its own clock
      event_id = each.value.type
      type     = each.value.type
      time     = "2000-01-01T00:00:00Z"
    }
  }

  retry_config {
    retry_count = 1 # the next minute brings the next tick
  }
}
