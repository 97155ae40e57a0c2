locals {
  channels = concat([for one in google_monitoring_notification_channel.email : one.id], var.channels)
  service  = "resource.type=\"cloud_run_revision\" AND resource.label.location=\"${var.region}\""
  proxy    = "${local.service} AND resource.label.service_name=\"${var.prefix}proxy\""
}

resource "google_monitoring_notification_channel" "email" {
  for_each = var.emails

  project      = var.project_id
  display_name = each.value
  type         = "email"

  labels = {
    email_address = each.value
  }
}
