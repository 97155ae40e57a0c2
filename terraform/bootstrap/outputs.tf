output "state_bucket" {
  description = "Bucket of the environments' state."
  value       = google_storage_bucket.state.name
}

output "deployer" {
  description = "Account that Terraform acts as."
  value       = google_service_account.deployer.email
}

output "registry" {
  description = "Where images are pushed to."
  value       = "${google_artifact_registry_repository.images.location}-docker.pkg.dev/${var.project_id}/${google_artifact_registry_repository.images.repository_id}"
}

output "pipeline_provider" {
  description = "Workload identity provider that the pipeline names; null without one."
  value       = one(google_iam_workload_identity_pool_provider.github[*].name)
}
