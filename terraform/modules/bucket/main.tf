resource "google_storage_bucket" "main" {
  project                     = var.project_id
  name                        = var.name
  location                    = var.location
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"
  force_destroy               = false
  labels                      = var.labels

  soft_delete_policy {
    retention_duration_seconds = var.soft_delete_days * 86400
  }

  dynamic "lifecycle_rule" {
    for_each = var.delete_after_days == 0 ? [] : [var.delete_after_days]

    content {
      action {
        type = "Delete"
      }

      condition {
        age = lifecycle_rule.value
      }
    }
  }

  lifecycle {
    prevent_destroy = true
  }
}

# The predefined roles that remove can overwrite as well; this one cannot read either.
resource "google_project_iam_custom_role" "remover" {
  count = length(var.removers) == 0 ? 0 : 1

  project     = var.project_id
  role_id     = "lockkeeperRemover_${replace(var.name, "-", "_")}"
  title       = "Remove blobs of ${var.name}"
  description = "What lets a service take away blobs that have served their purpose."
  permissions = ["storage.objects.delete"]
}

resource "google_storage_bucket_iam_member" "creator" {
  for_each = var.creators

  bucket = google_storage_bucket.main.name
  role   = "roles/storage.objectCreator"
  member = "serviceAccount:${each.value}"
}

resource "google_storage_bucket_iam_member" "reader" {
  for_each = merge(var.creators, var.readers)

  bucket = google_storage_bucket.main.name
  role   = "roles/storage.objectViewer"
  member = "serviceAccount:${each.value}"
}

resource "google_storage_bucket_iam_member" "remover" {
  for_each = var.removers

  bucket = google_storage_bucket.main.name
  role   = google_project_iam_custom_role.remover[0].name
  member = "serviceAccount:${each.value}"
}
