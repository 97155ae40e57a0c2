locals {
  # What services say about themselves. A test holds each text to the sources: scripts/alerts.
  log_alerts = jsondecode(file("${path.module}/log-alerts.json"))
  log_filters = { for name, alert in local.log_alerts : name => join(" AND ", [
    "resource.type=\"cloud_run_revision\"",
    "resource.labels.service_name=(${join(" OR ", [for service in alert.services : "\"${var.prefix}${service}\""])})",
    "jsonPayload.message=(${join(" OR ", [for message in alert.messages : jsonencode(message)])})",
  ]) }

  # What Google's audit log says about the gateway's own projects (invariant 12).
  audit_alerts = merge({
    project-policy-changed = {
      title = "Somebody changed who may do what in the gateway's project"
      doNow = "Was it the deployer? If not: runbooks/incident.md."
      # Accounts say SetIAMPolicy, buckets setIamPermissions, all others SetIamPolicy.
      filter = "protoPayload.methodName=~\"(?i)set(iampolicy|iampermissions)$\" AND log_id(\"cloudaudit.googleapis.com/activity\")"
    }
    deny-policy-changed = {
      title  = "Somebody changed a deny policy: who may act as an upstream account, or change things without the gateway"
      doNow  = "Was it the deployer? If not, somebody is on the way around: disable the upstream accounts, then runbooks/incident.md."
      filter = "protoPayload.methodName=~\"^google[.]iam[.]v2[a-z]*[.]Policies[.](Create|Update|Delete)Policy$\""
    }
    service-replaced = {
      title  = "Somebody but the deployer changed a service"
      doNow  = "An image that nobody looked at may run with the service's rights. Lock everything, put the known image back: runbooks/incident.md."
      filter = "protoPayload.serviceName=\"run.googleapis.com\" AND protoPayload.methodName=~\"[.](Create|Update|Replace|Delete)Service$\" AND NOT protoPayload.authenticationInfo.principalEmail=\"${var.deployer}\""
    }
    key-touched = {
      title  = "A signing key was changed or destroyed"
      doNow  = "Versions can be had back for 30 days: gcloud kms keys versions restore."
      filter = "protoPayload.serviceName=\"cloudkms.googleapis.com\" AND protoPayload.methodName=~\"(Destroy|Update)CryptoKey\""
    }
    log-bucket-touched = {
      title  = "Somebody changed the log's bucket, or tried to remove a piece of the log"
      doNow  = "Verify the log against a checkpoint that lies elsewhere: runbooks/restore.md."
      filter = "protoPayload.serviceName=\"storage.googleapis.com\" AND protoPayload.methodName=(\"storage.buckets.update\" OR \"storage.buckets.delete\" OR \"storage.objects.delete\") AND protoPayload.resourceName:\"buckets/${var.log_bucket}\" AND NOT protoPayload.resourceName:\"/objects/log/state/\""
    }
    key-for-account = {
      title  = "Somebody made a key for an account"
      doNow  = "There must be none. Delete it, and find out how it was possible."
      filter = "protoPayload.methodName=\"google.iam.admin.v1.CreateServiceAccountKey\""
    }
    }, length(var.upstream_accounts) == 0 ? {} : {
    bypass = {
      title  = "Somebody but the proxy got a token of an upstream account"
      doNow  = "The gateway was gone around. Disable the account, then read what its token did: runbooks/incident.md."
      filter = "protoPayload.serviceName=\"iamcredentials.googleapis.com\" AND protoPayload.request.name=~\"(${join("|", [for account in var.upstream_accounts : replace(account, ".", "[.]")])})$\" AND NOT protoPayload.authenticationInfo.principalEmail=\"${var.proxy_account}\""
    }
  })
}

resource "google_logging_metric" "said" {
  for_each = local.log_filters

  project     = var.project_id
  name        = "${var.prefix}${each.key}"
  description = local.log_alerts[each.key].title
  filter      = each.value

  metric_descriptor {
    metric_kind = "DELTA"
    value_type  = "INT64"
    unit        = "1"
  }
}

resource "google_monitoring_alert_policy" "said" {
  for_each = google_logging_metric.said

  project               = var.project_id
  display_name          = "Lockkeeper: ${local.log_alerts[each.key].title}"
  combiner              = "OR"
  severity              = local.log_alerts[each.key].severity
  notification_channels = local.channels

  conditions {
    display_name = local.log_alerts[each.key].title

    condition_threshold {
      filter          = "resource.type=\"cloud_run_revision\" AND metric.type=\"logging.googleapis.com/user/${each.value.name}\""
      comparison      = "COMPARISON_GT"
      threshold_value = 0
      duration        = "0s"

      aggregations {
        alignment_period     = "60s"
        per_series_aligner   = "ALIGN_SUM"
        cross_series_reducer = "REDUCE_SUM"
      }
    }
  }

  alert_strategy {
    auto_close = "3600s"
  }

  documentation {
    mime_type = "text/markdown"
    content   = "${local.log_alerts[each.key].doNow}\n\nFailure table: ${join(", ", local.log_alerts[each.key].rows)}."
  }
}

resource "google_monitoring_alert_policy" "audited" {
  for_each = local.audit_alerts

  project               = var.project_id
  display_name          = "Lockkeeper: ${each.value.title}"
  combiner              = "OR"
  severity              = "CRITICAL"
  notification_channels = local.channels

  conditions {
    display_name = each.value.title

    condition_matched_log {
      filter = each.value.filter

      label_extractors = {
        who    = "EXTRACT(protoPayload.authenticationInfo.principalEmail)"
        method = "EXTRACT(protoPayload.methodName)"
      }
    }
  }

  alert_strategy {
    auto_close = "86400s"

    notification_rate_limit {
      period = "300s"
    }
  }

  documentation {
    mime_type = "text/markdown"
    content   = each.value.doNow
  }
}
