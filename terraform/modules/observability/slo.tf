resource "google_monitoring_custom_service" "gateway" {
  project      = var.project_id
  service_id   = "${var.prefix}gateway"
  display_name = "Lockkeeper: the gateway"
}

# Refusals by policy and people are good answers: they are 4xx. What counts against the goal is what the gateway could not do.
resource "google_monitoring_slo" "availability" {
  project             = var.project_id
  service             = google_monitoring_custom_service.gateway.service_id
  slo_id              = "${var.prefix}availability"
  display_name        = "Answers that are no fault"
  goal                = var.availability_goal
  rolling_period_days = 28

  request_based_sli {
    good_total_ratio {
      bad_service_filter   = "metric.type=\"run.googleapis.com/request_count\" AND ${local.proxy} AND metric.label.response_code_class=\"5xx\""
      total_service_filter = "metric.type=\"run.googleapis.com/request_count\" AND ${local.proxy}"
    }
  }
}

resource "google_monitoring_alert_policy" "burning" {
  project               = var.project_id
  display_name          = "Lockkeeper: the month's share of faults is being used up"
  combiner              = "OR"
  severity              = "CRITICAL"
  notification_channels = local.channels

  conditions {
    display_name = "Ten times faster than the goal allows"

    condition_threshold {
      filter          = "select_slo_burn_rate(\"${google_monitoring_slo.availability.id}\", \"3600s\")"
      comparison      = "COMPARISON_GT"
      threshold_value = 10
      duration        = "0s"
    }
  }

  documentation {
    mime_type = "text/markdown"
    content   = "Look at the alert on the proxy's faults first. This one says how long there is still time."
  }
}

# Asks the gateway's own endpoint about a token that is none. The proxy itself says so: load balancer, certificate and proxy work.
resource "google_monitoring_uptime_check_config" "door" {
  count = var.host == null ? 0 : 1

  project      = var.project_id
  display_name = "${var.prefix}door"
  period       = "60s"
  timeout      = "10s"

  http_check {
    path           = "/v1/introspect"
    port           = 443
    request_method = "POST"
    content_type   = "URL_ENCODED"
    body           = base64encode("token=none")
    use_ssl        = true
    validate_ssl   = true

    accepted_response_status_codes {
      status_class = "STATUS_CLASS_2XX"
    }
  }

  content_matchers {
    content = "\"active\":false"
    matcher = "CONTAINS_STRING"
  }

  monitored_resource {
    type = "uptime_url"

    labels = {
      project_id = var.project_id
      host       = var.host
    }
  }
}

resource "google_monitoring_alert_policy" "door" {
  count = var.host == null ? 0 : 1

  project               = var.project_id
  display_name          = "Lockkeeper: the door does not answer"
  combiner              = "OR"
  severity              = "CRITICAL"
  notification_channels = local.channels

  conditions {
    display_name = "Two places get no answer"

    condition_threshold {
      filter          = "resource.type=\"uptime_url\" AND metric.type=\"monitoring.googleapis.com/uptime_check/check_passed\" AND metric.label.check_id=\"${google_monitoring_uptime_check_config.door[0].uptime_check_id}\""
      comparison      = "COMPARISON_GT"
      threshold_value = 1
      duration        = "60s"

      aggregations {
        alignment_period     = "120s"
        per_series_aligner   = "ALIGN_NEXT_OLDER"
        cross_series_reducer = "REDUCE_COUNT_FALSE"
        group_by_fields      = ["resource.label.host"]
      }
    }
  }

  documentation {
    mime_type = "text/markdown"
    content   = "Load balancer, certificate, name or proxy. Agents get no answer at all; nothing passes around the gateway."
  }
}
