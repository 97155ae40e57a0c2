locals {
  subscriptions = { for one in var.subscriptions : one.id => one }

  metric_alerts = merge(
    { for id, one in local.subscriptions : "dead-${id}" => {
      title     = "Dead letters of ${id}"
      severity  = "CRITICAL"
      filter    = "resource.type=\"pubsub_subscription\" AND resource.label.subscription_id=\"${var.prefix}${one.dead_letters}\" AND metric.type=\"pubsub.googleapis.com/subscription/num_undelivered_messages\""
      aligner   = "ALIGN_MAX"
      reducer   = "REDUCE_MAX"
      threshold = 0
      duration  = "0s"
      doNow     = "The ${one.service} service gave events up. `lockkeeper events dead --gateway …` says why; mend, then `lockkeeper events redrive`."
    } },
    { for id, one in local.subscriptions : "lag-${id}" => {
      title     = "Events for ${id} wait"
      severity  = "WARNING"
      filter    = "resource.type=\"pubsub_subscription\" AND resource.label.subscription_id=\"${var.prefix}${id}\" AND metric.type=\"pubsub.googleapis.com/subscription/oldest_unacked_message_age\""
      aligner   = "ALIGN_MAX"
      reducer   = "REDUCE_MAX"
      threshold = lookup(var.lag_seconds, id, 300)
      duration  = "60s"
      doNow     = "The ${one.service} service takes nothing, or cannot keep up. Calls go on; what it does comes late."
    } },
    var.secret_events == null ? {} : { secret-due = {
      title     = "A secret is due for a new value, or was changed"
      severity  = "WARNING"
      filter    = "resource.type=\"pubsub_subscription\" AND resource.label.subscription_id=\"${var.secret_events}\" AND metric.type=\"pubsub.googleapis.com/subscription/num_undelivered_messages\""
      aligner   = "ALIGN_MAX"
      reducer   = "REDUCE_MAX"
      threshold = 0
      duration  = "0s"
      doNow     = "`gcloud pubsub subscriptions pull ${var.secret_events} --auto-ack` says which: runbooks/rotate-keys.md. A change that nobody planned is an incident."
    } },
    {
      refusals = {
        title     = "The proxy answers with faults of the gateway's own"
        severity  = "CRITICAL"
        filter    = "${local.proxy} AND metric.type=\"run.googleapis.com/request_count\" AND metric.label.response_code_class=\"5xx\""
        aligner   = "ALIGN_RATE"
        reducer   = "REDUCE_SUM"
        threshold = 0.5
        duration  = "120s"
        doNow     = "503 with POLICY_STALE, AUDIT_UNAVAILABLE, APPROVAL_UNAVAILABLE, CREDENTIAL_UNAVAILABLE, ISSUER_UNAVAILABLE or OVERLOADED: the failure table says which part. 502 and 504 are upstreams. `lockkeeper audit search --reason …` tells them apart."
      }
      google-fails = {
        title     = "A Google API that the gateway needs answers with faults"
        severity  = "WARNING"
        filter    = "resource.type=\"consumed_api\" AND resource.label.service=one_of(\"firestore.googleapis.com\", \"pubsub.googleapis.com\", \"storage.googleapis.com\", \"cloudkms.googleapis.com\", \"secretmanager.googleapis.com\", \"iamcredentials.googleapis.com\") AND metric.type=\"serviceruntime.googleapis.com/api/request_count\" AND metric.label.response_code_class=\"5xx\""
        aligner   = "ALIGN_RATE"
        reducer   = "REDUCE_SUM"
        threshold = 0.1
        duration  = "180s"
        doNow     = "See Google's status page. What is refused meanwhile stands in the failure table; nothing has to be undone afterwards."
      }
      cpu = {
        title     = "A service runs out of CPU"
        severity  = "WARNING"
        filter    = "${local.service} AND metric.type=\"run.googleapis.com/container/cpu/utilizations\""
        aligner   = "ALIGN_PERCENTILE_99"
        reducer   = "REDUCE_MAX"
        threshold = 0.9
        duration  = "600s"
        doNow     = "More CPUs or more instances. A view that cannot keep up refuses calls."
      }
      memory = {
        title     = "A service runs out of memory"
        severity  = "WARNING"
        filter    = "${local.service} AND metric.type=\"run.googleapis.com/container/memory/utilizations\""
        aligner   = "ALIGN_PERCENTILE_99"
        reducer   = "REDUCE_MAX"
        threshold = 0.9
        duration  = "300s"
        doNow     = "More memory. An instance that is killed leaves its open changes unknown."
      }
    },
  )
}

resource "google_monitoring_alert_policy" "measured" {
  for_each = local.metric_alerts

  project               = var.project_id
  display_name          = "Lockkeeper: ${each.value.title}"
  combiner              = "OR"
  severity              = each.value.severity
  notification_channels = local.channels

  conditions {
    display_name = each.value.title

    condition_threshold {
      filter          = each.value.filter
      comparison      = "COMPARISON_GT"
      threshold_value = each.value.threshold
      duration        = each.value.duration

      aggregations {
        alignment_period     = "60s"
        per_series_aligner   = each.value.aligner
        cross_series_reducer = each.value.reducer
      }
    }
  }

  alert_strategy {
    auto_close = "3600s"
  }

  documentation {
    mime_type = "text/markdown"
    content   = each.value.doNow
  }
}

# A service that is not there says nothing: silence is the sign.
resource "google_monitoring_alert_policy" "absent" {
  for_each = setintersection(var.services, var.always_there)

  project               = var.project_id
  display_name          = "Lockkeeper: no ${each.value} is there"
  combiner              = "OR"
  severity              = "CRITICAL"
  notification_channels = local.channels

  conditions {
    display_name = "No instance of ${each.value}"

    condition_absent {
      filter   = "${local.service} AND resource.label.service_name=\"${var.prefix}${each.value}\" AND metric.type=\"run.googleapis.com/container/instance_count\""
      duration = "180s"

      aggregations {
        alignment_period     = "60s"
        per_series_aligner   = "ALIGN_MAX"
        cross_series_reducer = "REDUCE_SUM"
      }
    }
  }

  documentation {
    mime_type = "text/markdown"
    content   = "Without policy or approval every call is refused after 5 s; without audit batches wait in Pub/Sub for up to 7 days. The revision's log says why it does not start: wrong settings are named there, all at once."
  }
}
