output "id" {
  description = "Full name of the secret: projects/PROJECT/secrets/NAME."
  value       = google_secret_manager_secret.main.id
}

output "name" {
  description = "Id of the secret within its project."
  value       = google_secret_manager_secret.main.secret_id
}

output "version" {
  description = "Number of the version that Terraform wrote; null where the value is added by hand."
  value       = one(google_secret_manager_secret_version.settings[*].version)
}
