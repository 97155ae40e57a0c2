locals {
  indexes = { for one in var.indexes.indexes : join("-", concat([one.collectionGroup], [for field in one.fields : "${field.fieldPath}-${lower(field.order)}"])) => one }
  fields  = { for one in var.indexes.fieldOverrides : "${one.collectionGroup}-${one.fieldPath}" => one }
  only    = "resource.name == \"projects/${var.project_id}/databases/${var.name}\""
}

resource "google_firestore_database" "main" {
  project     = var.project_id
  name        = var.name
  location_id = var.location
  type        = "FIRESTORE_NATIVE"

  # Commits of several processes do not wait for each other; one of them is told that it lost.
  concurrency_mode                  = "OPTIMISTIC"
  app_engine_integration_mode       = "DISABLED"
  point_in_time_recovery_enablement = "POINT_IN_TIME_RECOVERY_ENABLED"
  delete_protection_state           = "DELETE_PROTECTION_ENABLED"
  deletion_policy                   = "ABANDON"

  lifecycle {
    prevent_destroy = true
  }
}

resource "google_firestore_index" "main" {
  for_each = local.indexes

  project     = var.project_id
  database    = google_firestore_database.main.name
  collection  = each.value.collectionGroup
  query_scope = each.value.queryScope

  dynamic "fields" {
    for_each = each.value.fields

    content {
      field_path = fields.value.fieldPath
      order      = fields.value.order
    }
  }
}

# An empty index_config takes the field out of every index.
resource "google_firestore_field" "main" {
  for_each = local.fields

  project    = var.project_id
  database   = google_firestore_database.main.name
  collection = each.value.collectionGroup
  field      = each.value.fieldPath

  index_config {}

  dynamic "ttl_config" {
    for_each = each.value.ttl ? [true] : []

    content {}
  }
}

resource "google_firestore_backup_schedule" "daily" {
  project   = var.project_id
  database  = google_firestore_database.main.name
  retention = "${var.backup_days * 86400}s"

  daily_recurrence {}
}

# Firestore has no IAM policy for each database: the condition is what keeps an account to its own.
resource "google_project_iam_member" "writer" {
  project = var.project_id
  role    = "roles/datastore.user"
  member  = "serviceAccount:${var.writer}"

  condition {
    title       = "only ${var.name}"
    description = "The service's own database and no other."
    expression  = local.only
  }
}

resource "google_project_iam_member" "reader" {
  for_each = var.readers

  project = var.project_id
  role    = "roles/datastore.viewer"
  member  = "serviceAccount:${each.value}"

  condition {
    title       = "only ${var.name}"
    description = "Reads this database and no other."
    expression  = local.only
  }
}
