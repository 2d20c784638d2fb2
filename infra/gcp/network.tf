# One origin: an external HTTPS load balancer whose URL map follows the topology's paths.

locals {
  front_page = one([for id, target in local.fronts : id if contains(target.paths, "/")])
  proxied    = length(var.desk_members) > 0
  iap_agent  = "serviceAccount:service-${data.google_project.this.number}@gcp-sa-iap.iam.gserviceaccount.com"
}

resource "google_compute_global_address" "front" {
  name       = "onestop"
  depends_on = [google_project_service.api]
}

resource "google_compute_region_network_endpoint_group" "front" {
  for_each              = local.fronts
  name                  = each.value.service
  region                = var.region
  network_endpoint_type = "SERVERLESS"
  cloud_run {
    service = each.value.service # by name, since a desk's function must know its backend's id: the proxy signs for it
  }
}

resource "google_compute_backend_service" "front" {
  for_each              = local.fronts
  name                  = each.value.service
  load_balancing_scheme = "EXTERNAL_MANAGED"
  protocol              = "HTTPS"
  security_policy       = google_compute_security_policy.front.id

  backend {
    group = google_compute_region_network_endpoint_group.front[each.key].id
  }

  log_config {
    enable      = true
    sample_rate = 0.1 # the functions log every request themselves
  }

  dynamic "iap" { # without a client of our own, Google's managed one signs people in
    for_each = local.proxied && each.value.name == "desk" ? [true] : []
    content {
      enabled = true
    }
  }
}

resource "google_iap_web_backend_service_iam_member" "desk" {
  for_each = local.proxied ? merge([
    for id in keys(local.desks) : { for member in var.desk_members : "${id} ${member}" => { id = id, member = member } }
  ]...) : {}
  web_backend_service = google_compute_backend_service.front[each.value.id].name
  role                = "roles/iap.httpsResourceAccessor"
  member              = each.value.member
}

resource "google_compute_url_map" "front" {
  name            = "onestop"
  default_service = google_compute_backend_service.front[local.front_page].id

  host_rule {
    hosts        = [var.domain]
    path_matcher = "topology"
  }

  path_matcher { # the longest path wins
    name            = "topology"
    default_service = google_compute_backend_service.front[local.front_page].id
    dynamic "path_rule" {
      for_each = { for id, target in local.fronts : id => setsubtract(target.paths, ["/"]) }
      content {
        paths   = flatten([for path in path_rule.value : [path, "${path}/*"]])
        service = google_compute_backend_service.front[path_rule.key].id
      }
    }
  }
}

resource "google_compute_managed_ssl_certificate" "front" {
  name = "onestop-${substr(sha256(var.domain), 0, 8)}" # another domain is another certificate, made before the old goes
  managed {
    domains = [var.domain]
  }
  lifecycle {
    create_before_destroy = true
  }
  depends_on = [google_project_service.api]
}

resource "google_compute_ssl_policy" "front" {
  name            = "onestop"
  profile         = "MODERN"
  min_tls_version = "TLS_1_2"
  depends_on      = [google_project_service.api]
}

resource "google_compute_target_https_proxy" "front" {
  name             = "onestop"
  url_map          = google_compute_url_map.front.id
  ssl_certificates = [google_compute_managed_ssl_certificate.front.id]
  ssl_policy       = google_compute_ssl_policy.front.id
}

resource "google_compute_global_forwarding_rule" "https" {
  name                  = "onestop-https"
  load_balancing_scheme = "EXTERNAL_MANAGED"
  ip_address            = google_compute_global_address.front.id
  port_range            = "443"
  target                = google_compute_target_https_proxy.front.id
}

resource "google_compute_url_map" "redirect" {
  name = "onestop-redirect"
  default_url_redirect {
    https_redirect         = true
    redirect_response_code = "PERMANENT_REDIRECT"
    strip_query            = false
  }
  depends_on = [google_project_service.api]
}

resource "google_compute_target_http_proxy" "redirect" {
  name    = "onestop-redirect"
  url_map = google_compute_url_map.redirect.id
}

resource "google_compute_global_forwarding_rule" "http" {
  name                  = "onestop-http"
  load_balancing_scheme = "EXTERNAL_MANAGED"
  ip_address            = google_compute_global_address.front.id
  port_range            = "80"
  target                = google_compute_target_http_proxy.redirect.id
}
