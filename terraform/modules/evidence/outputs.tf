output "bucket" {
  description = "Name of the log's bucket."
  value       = google_storage_bucket.log.name
}

output "dataset" {
  description = "Id of the dataset with Google's own audit log."
  value       = google_bigquery_dataset.google_audit.dataset_id
}

output "locked" {
  description = "Whether the retention is locked."
  value       = var.lock
}
