locals {
  subscriptions = { for one in var.subscriptions : one.id => one }
}

resource "google_pubsub_schema" "main" {
  count = var.schema == null ? 0 : 1

  project    = var.project_id
  name       = "${var.prefix}${var.name}"
  type       = var.schema.type
  definition = var.schema.definition
}

resource "google_pubsub_topic" "main" {
  project = var.project_id
  name    = "${var.prefix}${var.name}"
  labels  = var.labels

  message_storage_policy {
    allowed_persistence_regions = var.regions
    enforce_in_transit          = true
  }

  dynamic "schema_settings" {
    for_each = google_pubsub_schema.main

    content {
      schema   = schema_settings.value.id
      encoding = var.schema.encoding
    }
  }
}

resource "google_pubsub_topic_iam_member" "publisher" {
  for_each = var.publishers

  project = var.project_id
  topic   = google_pubsub_topic.main.id
  role    = "roles/pubsub.publisher"
  member  = "serviceAccount:${each.value}"
}

resource "google_pubsub_subscription" "main" {
  for_each = local.subscriptions

  project                    = var.project_id
  name                       = "${var.prefix}${each.key}"
  topic                      = google_pubsub_topic.main.id
  ack_deadline_seconds       = each.value.ackDeadlineSeconds
  enable_message_ordering    = each.value.ordered
  message_retention_duration = "${var.subscription_days * 86400}s"
  labels                     = var.labels

  # Pub/Sub takes it once: another filter is another subscription, and the old one's backlog is lost.
  filter = each.value.filter

  # Without this a subscription that is quiet for a month is gone.
  expiration_policy {
    ttl = ""
  }

  retry_policy {
    minimum_backoff = "${each.value.minBackoffSeconds}s"
    maximum_backoff = "${each.value.maxBackoffSeconds}s"
  }

  dead_letter_policy {
    dead_letter_topic     = google_pubsub_topic.dead[each.key].id
    max_delivery_attempts = each.value.maxDeliveries
  }

  dynamic "push_config" {
    for_each = each.value.mode == "push" ? [var.push[each.value.service]] : []

    content {
      push_endpoint = "${push_config.value.origin}${each.value.pushPath}"

      # The service takes exactly this account and this audience.
      oidc_token {
        service_account_email = push_config.value.account
        audience              = "${push_config.value.origin}${each.value.pushPath}"
      }
    }
  }

  # A dead letter must have somewhere to lie before the first can come.
  depends_on = [google_pubsub_subscription.dead, google_pubsub_topic_iam_member.dead_agent]

  lifecycle {
    precondition {
      condition     = contains(keys(var.consumers), each.value.service)
      error_message = "There is no account for the service that takes ${each.key}."
    }
  }
}
