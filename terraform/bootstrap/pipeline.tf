# The pipeline has no key: GitHub says who runs, and only that repository's environment may act as the deployer.
resource "google_iam_workload_identity_pool" "pipeline" {
  count = var.repository == null ? 0 : 1

  project                   = var.project_id
  workload_identity_pool_id = "lockkeeper-pipeline"
  display_name              = "Lockkeeper pipeline"
  description               = "Pipelines that deploy the gateway. No agent is in it."

  depends_on = [google_project_service.main]
}

resource "google_iam_workload_identity_pool_provider" "github" {
  count = var.repository == null ? 0 : 1

  project                            = var.project_id
  workload_identity_pool_id          = google_iam_workload_identity_pool.pipeline[0].workload_identity_pool_id
  workload_identity_pool_provider_id = "github"
  display_name                       = "GitHub"

  # The owner's number, because a name can be taken by somebody else once it is free.
  attribute_condition = "assertion.repository_owner_id == '${var.repository.owner_id}' && assertion.repository == '${var.repository.name}' && assertion.environment == '${var.repository.environment}'"

  attribute_mapping = {
    "google.subject"        = "assertion.sub"
    "attribute.repository"  = "assertion.repository"
    "attribute.environment" = "assertion.environment"
  }

  oidc {
    issuer_uri = "https://token.actions.githubusercontent.com"
  }
}

resource "google_service_account_iam_member" "pipeline" {
  count = var.repository == null ? 0 : 1

  service_account_id = google_service_account.deployer.name
  role               = "roles/iam.workloadIdentityUser"
  member             = "principalSet://iam.googleapis.com/${google_iam_workload_identity_pool.pipeline[0].name}/attribute.repository/${var.repository.name}"
}
