locals {
  pushed = { for name, one in var.consumers : name => one if one.address != null }
  words = join(", ", [
    for name in keys(var.consumers) : upper(name)
  ])
}

data "google_project" "main" {
  project_id = var.project_id
}

# One for each consumer.
resource "google_pubsub_topic" "main" {
  project = var.project_id
  name    = "queue" # its name
  labels  = { words = lower(local.words) }

  message_storage_policy {
    allowed_persistence_regions = ["europe-west1"]
  }
}

resource "google_pubsub_subscription" "main" {
  for_each = local.pushed

  project = data.google_project.main.project_id
  name    = "queue-${each.key}"
  topic   = google_pubsub_topic.main.id

  expiration_policy {
    ttl = ""
  }

  dynamic "push_config" {
    for_each = each.value.address == null ? [] : [each.value.address]

    content {
      push_endpoint = push_config.value
      attributes    = { token = var.access_token }

      oidc_token {
        service_account_email = each.value.account
      }
    }
  }
}

resource "google_storage_bucket" "main" {
  project                     = var.project_id
  name                        = "${var.project_id}-queue"
  location                    = "EU"
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"

  lifecycle_rule {
    action {
      type = "Delete"
    }

    condition {
      age = 7
    }
  }

  lifecycle {
    prevent_destroy = true
    ignore_changes  = [labels]
  }
}

resource "google_project_iam_member" "reader" {
  project = var.project_id
  role    = "roles/pubsub.viewer"
  member  = "serviceAccount:${values(local.pushed)[0].account}"
}

resource "google_cloud_run_v2_service" "main" {
  project             = var.project_id
  name                = "door"
  location            = "europe-west1"
  ingress             = "INGRESS_TRAFFIC_INTERNAL_LOAD_BALANCER"
  deletion_protection = true
  # edge: checks every token itself.
  invoker_iam_disabled = true

  template {
    service_account = "door@example.iam.gserviceaccount.com"

    containers {
      image = "europe-docker.pkg.dev/example/door"
    }
  }
}
