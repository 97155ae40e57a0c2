output "alerts" {
  description = "Names of all alerts, so that a test can tell what has none."
  value = sort(concat(
    [for name in keys(local.log_alerts) : "said ${name}"],
    [for name in keys(local.audit_alerts) : "audited ${name}"],
    [for name in keys(local.metric_alerts) : "measured ${name}"],
    [for name in setintersection(var.services, var.always_there) : "absent ${name}"],
    ["burning"],
    var.host == null ? [] : ["door"],
  ))
}

output "rows" {
  description = "Rows of docs/failure-table.md that an alert speaks of."
  value       = sort(distinct(concat(flatten([for alert in local.log_alerts : alert.rows]), [for row, how in jsondecode(file("${path.module}/other-rows.json")) : row if can(how.alerts)])))
}
