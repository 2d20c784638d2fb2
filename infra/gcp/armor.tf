# Cloud Armor: a ceiling for each network address, above what a delegation behind one address needs. Finer limits (by
# mail address, by event) are the functions' own. No preconfigured attack rules: they take free text in six languages
# for attacks, and the pages neither build SQL nor echo markup.

locals {
  throttles = {
    inbound_mail = { priority = 1000, match = "request.path.startsWith('/inbound/')" }
    forms        = { priority = 2000, match = "request.method == 'POST'" }
    pages        = { priority = 3000, match = "true" }
  }
}

resource "google_compute_security_policy" "front" {
  name       = "onestop"
  depends_on = [google_project_service.api]

  dynamic "rule" {
    for_each = local.throttles
    content {
      priority    = rule.value.priority
      action      = "throttle"
      description = "at most ${var.rate_limit[rule.key]} ${rule.key} a minute from one address"
      match {
        expr {
          expression = rule.value.match
        }
      }
      rate_limit_options {
        conform_action = "allow"
        exceed_action  = "deny(429)"
        enforce_on_key = "IP"
        rate_limit_threshold {
          count        = var.rate_limit[rule.key]
          interval_sec = 60
        }
      }
    }
  }

  rule {
    priority    = 2147483647
    action      = "allow"
    description = "the rest"
    match {
      versioned_expr = "SRC_IPS_V1"
      config {
        src_ip_ranges = ["*"]
      }
    }
  }
}
