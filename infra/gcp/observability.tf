# What the operator is woken for. Every entry names what it means in docs/operations.md.

locals {
  # Counted in the functions' logs; a test finds these messages in the code.
  log_metrics = {
    dead-letters  = { filter = "jsonPayload.message:\"event kept as dead letter\"", extract = null }
    mail-failures = { filter = "jsonPayload.message:(\"mail put off after attempt\" OR \"mail refused for good\")", extract = null }
    outbox-age    = { filter = "jsonPayload.message:\"events waited in the outbox\"", extract = "EXTRACT(jsonPayload.outbox_age)" } # seconds
  }

  run = "resource.type=\"cloud_run_revision\""

  alerts = {
    "A dead letter waits on the desk" = {
      filter    = "metric.type=\"logging.googleapis.com/user/onestop-dead-letters\" AND ${local.run}"
      aligner   = "ALIGN_DELTA"
      threshold = 0
      minutes   = 0
    }
    "Mails fail" = {
      filter    = "metric.type=\"logging.googleapis.com/user/onestop-mail-failures\" AND ${local.run}"
      aligner   = "ALIGN_DELTA"
      threshold = 5
      minutes   = 0
    }
    "Events wait in the outbox for more than five minutes" = {
      filter    = "metric.type=\"logging.googleapis.com/user/onestop-outbox-age\" AND ${local.run}"
      aligner   = "ALIGN_PERCENTILE_99"
      threshold = 300
      minutes   = 0
    }
    "A message is unacknowledged for more than ten minutes" = {
      filter    = "metric.type=\"pubsub.googleapis.com/subscription/oldest_unacked_message_age\" AND resource.type=\"pubsub_subscription\""
      aligner   = "ALIGN_MAX"
      threshold = 600
      minutes   = 5
    }
    "Functions answer with errors" = {
      filter    = "metric.type=\"run.googleapis.com/request_count\" AND metric.label.response_code_class=\"5xx\" AND ${local.run}"
      aligner   = "ALIGN_DELTA"
      threshold = 10
      minutes   = 5
    }
  }
}

resource "google_logging_metric" "metric" {
  for_each        = local.log_metrics
  name            = "onestop-${each.key}"
  filter          = "${local.run} AND resource.labels.service_name=~\"^onestop-\" AND ${each.value.filter}"
  value_extractor = each.value.extract
  metric_descriptor {
    metric_kind = "DELTA"
    value_type  = each.value.extract == null ? "INT64" : "DISTRIBUTION"
  }
  depends_on = [google_project_service.api]
}

resource "google_monitoring_notification_channel" "operator" {
  display_name = "onestop operator"
  type         = "email"
  labels       = { email_address = var.alert_email }
  depends_on   = [google_project_service.api]
}

resource "google_monitoring_alert_policy" "alert" {
  for_each              = local.alerts
  display_name          = each.key
  combiner              = "OR"
  notification_channels = [google_monitoring_notification_channel.operator.id]

  conditions {
    display_name = each.key
    condition_threshold {
      filter          = each.value.filter
      comparison      = "COMPARISON_GT"
      threshold_value = each.value.threshold
      duration        = "${each.value.minutes * 60}s"
      aggregations {
        alignment_period   = "300s"
        per_series_aligner = each.value.aligner
      }
    }
  }

  documentation {
    content   = "See \"When an alert comes\" in docs/operations.md."
    mime_type = "text/markdown"
  }

  depends_on = [google_logging_metric.metric]
}

resource "google_monitoring_uptime_check_config" "front" {
  display_name = "onestop events list"
  timeout      = "10s"
  period       = "300s"
  http_check {
    path         = "/api/events" # reads the store
    port         = 443
    use_ssl      = true
    validate_ssl = true
  }
  monitored_resource {
    type   = "uptime_url"
    labels = { project_id = var.project, host = var.domain }
  }
  depends_on = [google_project_service.api]
}

resource "google_monitoring_alert_policy" "down" {
  display_name          = "The site does not answer"
  combiner              = "OR"
  notification_channels = [google_monitoring_notification_channel.operator.id]

  conditions {
    display_name = "The site does not answer"
    condition_threshold {
      filter          = "metric.type=\"monitoring.googleapis.com/uptime_check/check_passed\" AND metric.label.check_id=\"${google_monitoring_uptime_check_config.front.uptime_check_id}\" AND resource.type=\"uptime_url\""
      comparison      = "COMPARISON_GT"
      threshold_value = 1 # from two places at once
      duration        = "300s"
      aggregations {
        alignment_period     = "300s"
        per_series_aligner   = "ALIGN_NEXT_OLDER"
        cross_series_reducer = "REDUCE_COUNT_FALSE"
        group_by_fields      = ["resource.label.host"]
      }
    }
  }
}

# No tick, no reminders, no offers that expire, no outbox swept: silence is the fault here.
resource "google_monitoring_alert_policy" "clock" {
  display_name          = "The clock stands still"
  combiner              = "OR"
  notification_channels = [google_monitoring_notification_channel.operator.id]

  conditions {
    display_name = "No tick for ten minutes"
    condition_absent {
      filter   = "metric.type=\"pubsub.googleapis.com/topic/send_request_count\" AND resource.type=\"pubsub_topic\" AND resource.label.topic_id=\"${google_pubsub_topic.topic["clock"].name}\""
      duration = "600s"
      aggregations {
        alignment_period   = "60s"
        per_series_aligner = "ALIGN_DELTA"
      }
    }
  }
}
