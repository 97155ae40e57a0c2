# Google's own log of the gateway's project: what was done to the gateway, by whom. The gateway's log cannot tell that.
resource "google_project_iam_audit_config" "reads" {
  for_each = var.audited_services

  project = var.project_id
  service = each.value

  audit_log_config {
    log_type = "ADMIN_READ"
  }

  audit_log_config {
    log_type = "DATA_READ"
  }

  audit_log_config {
    log_type = "DATA_WRITE"
  }
}

resource "google_bigquery_dataset" "google_audit" {
  project                         = var.project_id
  dataset_id                      = "${replace(var.prefix, "-", "_")}google_audit"
  location                        = var.location
  description                     = "Google's audit log of the gateway's project."
  default_partition_expiration_ms = var.dataset_days * 86400000
  delete_contents_on_destroy      = false
  labels                          = var.labels

  lifecycle {
    prevent_destroy = true
  }
}

resource "google_logging_project_sink" "google_audit" {
  project                = var.project_id
  name                   = "${var.prefix}google-audit"
  description            = "Google's audit log of this project, for the dataset."
  destination            = "bigquery.googleapis.com/${google_bigquery_dataset.google_audit.id}"
  filter                 = "log_id(\"cloudaudit.googleapis.com/activity\") OR log_id(\"cloudaudit.googleapis.com/data_access\") OR log_id(\"cloudaudit.googleapis.com/system_event\") OR log_id(\"cloudaudit.googleapis.com/policy\")"
  unique_writer_identity = true

  bigquery_options {
    use_partitioned_tables = true
  }
}

resource "google_bigquery_dataset_iam_member" "sink" {
  project    = var.project_id
  dataset_id = google_bigquery_dataset.google_audit.dataset_id
  role       = "roles/bigquery.dataEditor"
  member     = google_logging_project_sink.google_audit.writer_identity
}

resource "google_bigquery_dataset_iam_member" "analyst" {
  for_each = var.analysts

  project    = var.project_id
  dataset_id = google_bigquery_dataset.google_audit.dataset_id
  role       = "roles/bigquery.dataViewer"
  member     = each.value
}
