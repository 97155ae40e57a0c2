locals {
  upstream_project = coalesce(var.upstream_project_id, var.project_id)

  # Each with what asks for it.
  services = toset([
    "artifactregistry.googleapis.com",     # images
    "bigquery.googleapis.com",             # Google's own audit log
    "binaryauthorization.googleapis.com",  # which images start
    "certificatemanager.googleapis.com",   # the edge's certificate
    "cloudkms.googleapis.com",             # signing keys
    "cloudresourcemanager.googleapis.com", # this
    "cloudtrace.googleapis.com",           # collectors' traces
    "compute.googleapis.com",              # edge and network
    "firestore.googleapis.com",            # state
    "iam.googleapis.com",                  # accounts, deny policies
    "iamcredentials.googleapis.com",       # upstream tokens
    "iap.googleapis.com",                  # console
    "logging.googleapis.com",              # logs
    "monitoring.googleapis.com",           # alerts
    "orgpolicy.googleapis.com",            # organization policies
    "pubsub.googleapis.com",               # events
    "run.googleapis.com",                  # services
    "secretmanager.googleapis.com",        # secrets and settings
    "serviceusage.googleapis.com",         # this
    "storage.googleapis.com",              # blobs, log, state
    "sts.googleapis.com",                  # the pipeline's tokens, narrowed credentials
  ])
}

resource "google_project_service" "main" {
  for_each = local.services

  project                    = var.project_id
  service                    = each.value
  disable_on_destroy         = false
  disable_dependent_services = false
}

resource "google_project_service" "upstream" {
  for_each = local.upstream_project == var.project_id ? toset([]) : toset(["iam.googleapis.com", "iamcredentials.googleapis.com"])

  project                    = local.upstream_project
  service                    = each.value
  disable_on_destroy         = false
  disable_dependent_services = false
}

# Who reads the state knows every name and every setting; who writes it decides what the next apply does.
resource "google_storage_bucket" "state" {
  project                     = var.project_id
  name                        = "${var.project_id}-tfstate"
  location                    = var.region
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"
  force_destroy               = false

  versioning {
    enabled = true
  }

  soft_delete_policy {
    retention_duration_seconds = 2592000
  }

  lifecycle_rule {
    action {
      type = "Delete"
    }

    condition {
      num_newer_versions = 50
      with_state         = "ARCHIVED"
    }
  }

  lifecycle {
    prevent_destroy = true
  }

  depends_on = [google_project_service.main]
}

resource "google_artifact_registry_repository" "images" {
  project       = var.project_id
  location      = var.region
  repository_id = "lockkeeper"
  format        = "DOCKER"
  description   = "Images of the services."

  docker_config {
    immutable_tags = true
  }

  vulnerability_scanning_config {
    enablement_config = "INHERITED"
  }

  depends_on = [google_project_service.main]
}
