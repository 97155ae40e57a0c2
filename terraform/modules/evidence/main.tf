resource "google_storage_bucket" "log" {
  project                     = var.project_id
  name                        = var.bucket
  location                    = var.location
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"
  force_destroy               = false
  labels                      = var.labels

  retention_policy {
    retention_period = var.retention_days * 86400
    is_locked        = var.lock
  }

  # The one part of the bucket that is not evidence: a start without it reads the log itself.
  lifecycle_rule {
    action {
      type = "Delete"
    }

    condition {
      age            = var.retention_days + 1
      matches_prefix = ["log/state/"]
    }
  }

  lifecycle {
    prevent_destroy = true
  }
}

resource "google_storage_bucket_iam_member" "creator" {
  bucket = google_storage_bucket.log.name
  role   = "roles/storage.objectCreator"
  member = "serviceAccount:${var.writer}"
}

resource "google_storage_bucket_iam_member" "writer_reads" {
  bucket = google_storage_bucket.log.name
  role   = "roles/storage.objectViewer"
  member = "serviceAccount:${var.writer}"
}

resource "google_storage_bucket_iam_member" "reader" {
  for_each = var.readers

  bucket = google_storage_bucket.log.name
  role   = "roles/storage.objectViewer"
  member = each.value
}
