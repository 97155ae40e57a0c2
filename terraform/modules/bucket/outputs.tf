output "name" {
  description = "Name of the bucket, as services' settings have it."
  value       = google_storage_bucket.main.name
}
