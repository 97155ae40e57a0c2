# Who asks for tokens of upstream accounts stands in the log of their own project; the gateway's alerts read it in the gateway's.
resource "google_project_iam_audit_config" "tokens" {
  count = var.project_id == var.gateway_project_id ? 0 : 1

  project = var.project_id
  service = "iamcredentials.googleapis.com"

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

resource "google_logging_project_sink" "audit" {
  count = var.project_id == var.gateway_project_id ? 0 : 1

  project                = var.project_id
  name                   = "lockkeeper-audit-to-gateway"
  description            = "What was done with and to upstream accounts, for the gateway's alerts."
  destination            = "logging.googleapis.com/projects/${var.gateway_project_id}"
  filter                 = "log_id(\"cloudaudit.googleapis.com/activity\") OR log_id(\"cloudaudit.googleapis.com/data_access\")"
  unique_writer_identity = true
}

resource "google_project_iam_member" "audit" {
  count = var.project_id == var.gateway_project_id ? 0 : 1

  project = var.gateway_project_id
  role    = "roles/logging.logWriter"
  member  = google_logging_project_sink.audit[0].writer_identity
}
