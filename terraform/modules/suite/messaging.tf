module "topic" {
  source   = "../topic"
  for_each = { for topic in local.topology.topics : topic.name => topic }

  project_id        = var.project_id
  prefix            = local.prefix
  name              = each.key
  publishers        = { for service in local.topology.services : service.name => local.accounts[service.name] if contains(service.publishes, each.key) }
  subscriptions     = [for one in local.topology.subscriptions : one if one.topic == each.key]
  consumers         = local.accounts
  push              = { for name, account in google_service_account.pusher : name => { origin = local.origins[name], account = account.email } }
  pubsub_agent      = local.pubsub_agent
  subscription_days = local.topology.retention.subscriptionDays
  dead_letter_days  = local.topology.retention.deadLetterDays
  regions           = var.message_regions
  labels            = var.labels
}

# One for each service: who may push to one can push to no other.
resource "google_service_account" "pusher" {
  for_each = local.pushed

  project      = var.project_id
  account_id   = "${local.prefix}push-${each.value}"
  display_name = "Lockkeeper: pushes to ${each.value}"
  description  = "What Pub/Sub pushes to this one service as. It has no roles and no keys."
}

# Pub/Sub signs the pushes' tokens in its name.
resource "google_service_account_iam_member" "pusher" {
  for_each = google_service_account.pusher

  service_account_id = each.value.name
  role               = "roles/iam.serviceAccountOpenIdTokenCreator"
  member             = "serviceAccount:${local.pubsub_agent}"
}

# What Secret Manager tells: a new value is due, a version came or went. Whoever rotates takes it from here.
resource "google_pubsub_topic" "secret_events" {
  project = var.project_id
  name    = "${local.prefix}secret-events"
  labels  = var.labels

  message_storage_policy {
    allowed_persistence_regions = var.message_regions
  }
}

resource "google_pubsub_subscription" "secret_events" {
  project                    = var.project_id
  name                       = "${local.prefix}secret-events"
  topic                      = google_pubsub_topic.secret_events.id
  ack_deadline_seconds       = 60
  message_retention_duration = "2678400s"
  labels                     = var.labels

  expiration_policy {
    ttl = ""
  }
}

resource "google_pubsub_topic_iam_member" "secret_events" {
  project = var.project_id
  topic   = google_pubsub_topic.secret_events.id
  role    = "roles/pubsub.publisher"
  member  = "serviceAccount:${local.secret_agent}"
}
