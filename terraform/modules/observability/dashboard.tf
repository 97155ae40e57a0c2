locals {
  charts = concat(local.google_charts, var.own_metrics ? local.own_charts : [])

  # What the services measure themselves. A test holds the names to their sources: scripts/alerts.
  own_charts = [
    { title = "Age of what proxies know, s: over 5 calls are refused", filter = "metric.type=\"workload.googleapis.com/lockkeeper.view.age\"", aligner = "ALIGN_MAX", reducer = "REDUCE_MAX", by = ["metric.label.lockkeeper_view"] },
    { title = "Calls that are held for a person", filter = "metric.type=\"workload.googleapis.com/lockkeeper.holds\"", aligner = "ALIGN_MAX", reducer = "REDUCE_SUM", by = [] },
    { title = "Calls a second, by what was decided", filter = "metric.type=\"workload.googleapis.com/lockkeeper.decisions\"", aligner = "ALIGN_RATE", reducer = "REDUCE_SUM", by = ["metric.label.lockkeeper_effect"] },
    { title = "What the gateway adds to a call, ms, p99", filter = "metric.type=\"workload.googleapis.com/lockkeeper.call.added\"", aligner = "ALIGN_PERCENTILE_99", reducer = "REDUCE_MAX", by = [] },
  ]

  google_charts = [
    { title = "Answers of the proxy, by class", filter = "${local.proxy} AND metric.type=\"run.googleapis.com/request_count\"", aligner = "ALIGN_RATE", reducer = "REDUCE_SUM", by = ["metric.label.response_code_class"] },
    { title = "Time until the proxy has answered, p95 (holds included)", filter = "${local.proxy} AND metric.type=\"run.googleapis.com/request_latencies\"", aligner = "ALIGN_PERCENTILE_95", reducer = "REDUCE_MAX", by = [] },
    { title = "Instances, by service", filter = "${local.service} AND metric.type=\"run.googleapis.com/container/instance_count\"", aligner = "ALIGN_MAX", reducer = "REDUCE_SUM", by = ["resource.label.service_name"] },
    { title = "CPU, p99, by service", filter = "${local.service} AND metric.type=\"run.googleapis.com/container/cpu/utilizations\"", aligner = "ALIGN_PERCENTILE_99", reducer = "REDUCE_MAX", by = ["resource.label.service_name"] },
    { title = "Oldest event that waits, s, by subscription", filter = "resource.type=\"pubsub_subscription\" AND metric.type=\"pubsub.googleapis.com/subscription/oldest_unacked_message_age\"", aligner = "ALIGN_MAX", reducer = "REDUCE_MAX", by = ["resource.label.subscription_id"] },
    { title = "Events that wait and dead letters, by subscription", filter = "resource.type=\"pubsub_subscription\" AND metric.type=\"pubsub.googleapis.com/subscription/num_undelivered_messages\"", aligner = "ALIGN_MAX", reducer = "REDUCE_MAX", by = ["resource.label.subscription_id"] },
    { title = "Google APIs that fail, by API", filter = "resource.type=\"consumed_api\" AND metric.type=\"serviceruntime.googleapis.com/api/request_count\" AND metric.label.response_code_class=\"5xx\"", aligner = "ALIGN_RATE", reducer = "REDUCE_SUM", by = ["resource.label.service"] },
    { title = "What services say that somebody should look at", filter = "resource.type=\"cloud_run_revision\" AND metric.type=starts_with(\"logging.googleapis.com/user/${var.prefix}\")", aligner = "ALIGN_SUM", reducer = "REDUCE_SUM", by = ["metric.type"] },
  ]
}

resource "google_monitoring_dashboard" "main" {
  project = var.project_id

  dashboard_json = jsonencode({
    displayName = "Lockkeeper"
    mosaicLayout = {
      columns = 12
      tiles = [for index, chart in local.charts : {
        xPos   = (index % 2) * 6
        yPos   = floor(index / 2) * 4
        width  = 6
        height = 4
        widget = {
          title = chart.title
          xyChart = {
            dataSets = [{
              plotType = "LINE"
              timeSeriesQuery = {
                timeSeriesFilter = {
                  filter = chart.filter
                  aggregation = {
                    alignmentPeriod    = "60s"
                    perSeriesAligner   = chart.aligner
                    crossSeriesReducer = chart.reducer
                    groupByFields      = chart.by
                  }
                }
              }
            }]
          }
        }
      }]
    }
  })
}
