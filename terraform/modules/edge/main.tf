locals {
  backends = merge(
    { proxy = { service = var.proxy_service, iap = false } },
    { for name, route in var.routes : name => { service = route.service, iap = route.iap } },
  )
}

resource "google_compute_global_address" "main" {
  project = var.project_id
  name    = var.name
  labels  = var.labels
}

resource "google_compute_region_network_endpoint_group" "main" {
  for_each = local.backends

  project               = var.project_id
  region                = var.region
  name                  = "${var.name}-${each.key}"
  network_endpoint_type = "SERVERLESS"

  cloud_run {
    service = each.value.service
  }
}

resource "google_compute_backend_service" "main" {
  for_each = local.backends

  project               = var.project_id
  name                  = "${var.name}-${each.key}"
  load_balancing_scheme = "EXTERNAL_MANAGED"
  protocol              = "HTTPS"
  enable_cdn            = false
  security_policy       = each.key == "proxy" ? google_compute_security_policy.agents.id : google_compute_security_policy.route[each.key].id

  backend {
    group = google_compute_region_network_endpoint_group.main[each.key].id
  }

  iap {
    enabled = each.value.iap
  }

  log_config {
    enable      = true
    sample_rate = each.key == "proxy" ? var.log_sample_rate : 1
  }
}

resource "google_compute_url_map" "main" {
  project         = var.project_id
  name            = var.name
  default_service = google_compute_backend_service.main["proxy"].id

  host_rule {
    hosts        = [var.door, "*.${var.door}"]
    path_matcher = "proxy"
  }

  path_matcher {
    name            = "proxy"
    default_service = google_compute_backend_service.main["proxy"].id
  }

  dynamic "host_rule" {
    for_each = var.routes

    content {
      hosts        = [host_rule.value.host]
      path_matcher = host_rule.key
    }
  }

  dynamic "path_matcher" {
    for_each = var.routes

    content {
      name = path_matcher.key
      # Other paths of this host are the proxy's to refuse.
      default_service = google_compute_backend_service.main[path_matcher.value.paths == tolist(["/*"]) ? path_matcher.key : "proxy"].id

      dynamic "path_rule" {
        for_each = path_matcher.value.paths == tolist(["/*"]) ? [] : [path_matcher.value.paths]

        content {
          paths   = path_rule.value
          service = google_compute_backend_service.main[path_matcher.key].id
        }
      }
    }
  }
}

resource "google_compute_ssl_policy" "main" {
  project         = var.project_id
  name            = var.name
  profile         = "RESTRICTED"
  min_tls_version = "TLS_1_2"
}

resource "google_compute_target_https_proxy" "main" {
  project         = var.project_id
  name            = var.name
  url_map         = google_compute_url_map.main.id
  certificate_map = "//certificatemanager.googleapis.com/${google_certificate_manager_certificate_map.main.id}"
  ssl_policy      = google_compute_ssl_policy.main.id
  quic_override   = "DISABLE"
  # A request in early data can be sent again by whoever saw it.
  tls_early_data = "DISABLED"
}

# There is no port 80: a token that was sent in clear text is lost, and an answer would only hide that.
resource "google_compute_global_forwarding_rule" "main" {
  project               = var.project_id
  name                  = var.name
  load_balancing_scheme = "EXTERNAL_MANAGED"
  ip_address            = google_compute_global_address.main.id
  ip_protocol           = "TCP"
  port_range            = "443"
  target                = google_compute_target_https_proxy.main.id
}
