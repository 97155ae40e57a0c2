resource "google_secret_manager_secret" "main" {
  project             = var.project_id
  secret_id           = var.name
  version_destroy_ttl = "${var.destroy_after_days * 86400}s"
  deletion_protection = true
  labels              = var.labels

  replication {
    user_managed {
      dynamic "replicas" {
        for_each = toset(var.locations)

        content {
          location = replicas.value
        }
      }
    }
  }

  dynamic "topics" {
    for_each = var.rotation_topic == null ? [] : [var.rotation_topic]

    content {
      name = topics.value
    }
  }

  dynamic "rotation" {
    for_each = var.rotation_days == 0 ? [] : [var.rotation_days]

    content {
      rotation_period    = "${rotation.value * 86400}s"
      next_rotation_time = var.first_rotation
    }
  }

  lifecycle {
    prevent_destroy = true
    # Secret Manager moves the date on; what stands here is only the first.
    ignore_changes = [rotation[0].next_rotation_time]
  }
}

resource "google_secret_manager_secret_version" "settings" {
  count = var.settings_text == null ? 0 : 1

  secret      = google_secret_manager_secret.main.id
  secret_data = var.settings_text

  # A revision that still runs mounts the old version: it stays, disabled by hand once nobody needs it.
  deletion_policy = "ABANDON"

  lifecycle {
    create_before_destroy = true
  }
}

resource "google_secret_manager_secret_iam_member" "reader" {
  for_each = var.readers

  project   = var.project_id
  secret_id = google_secret_manager_secret.main.secret_id
  role      = "roles/secretmanager.secretAccessor"
  member    = "serviceAccount:${each.value}"
}
