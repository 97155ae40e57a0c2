resource "google_pubsub_topic" "dead" {
  for_each = local.subscriptions

  project = var.project_id
  name    = "${var.prefix}${each.value.deadLetter.topic}"
  labels  = var.labels

  message_storage_policy {
    allowed_persistence_regions = var.regions
    enforce_in_transit          = true
  }
}

resource "google_pubsub_subscription" "dead" {
  for_each = local.subscriptions

  project                    = var.project_id
  name                       = "${var.prefix}${each.value.deadLetter.subscription}"
  topic                      = google_pubsub_topic.dead[each.key].id
  ack_deadline_seconds       = each.value.deadLetter.ackDeadlineSeconds
  message_retention_duration = "${var.dead_letter_days * 86400}s"
  labels                     = var.labels

  expiration_policy {
    ttl = ""
  }
}

# Pub/Sub forwards for a consumer that crashes …
resource "google_pubsub_topic_iam_member" "dead_agent" {
  for_each = local.subscriptions

  project = var.project_id
  topic   = google_pubsub_topic.dead[each.key].id
  role    = "roles/pubsub.publisher"
  member  = "serviceAccount:${var.pubsub_agent}"
}

# … which it may only where it can take the event from the source.
resource "google_pubsub_subscription_iam_member" "agent" {
  for_each = local.subscriptions

  project      = var.project_id
  subscription = google_pubsub_subscription.main[each.key].name
  role         = "roles/pubsub.subscriber"
  member       = "serviceAccount:${var.pubsub_agent}"
}

# The consumer buries what it gives up itself, with the reason, and takes letters out again.
resource "google_pubsub_topic_iam_member" "dead_consumer" {
  for_each = local.subscriptions

  project = var.project_id
  topic   = google_pubsub_topic.dead[each.key].id
  role    = "roles/pubsub.publisher"
  member  = "serviceAccount:${var.consumers[each.value.service]}"
}

resource "google_pubsub_subscription_iam_member" "dead_consumer" {
  for_each = local.subscriptions

  project      = var.project_id
  subscription = google_pubsub_subscription.dead[each.key].name
  role         = "roles/pubsub.subscriber"
  member       = "serviceAccount:${var.consumers[each.value.service]}"
}

# Who is pushed to pulls nothing.
resource "google_pubsub_subscription_iam_member" "consumer" {
  for_each = { for id, one in local.subscriptions : id => one if one.mode == "pull" }

  project      = var.project_id
  subscription = google_pubsub_subscription.main[each.key].name
  role         = "roles/pubsub.subscriber"
  member       = "serviceAccount:${var.consumers[each.value.service]}"
}
