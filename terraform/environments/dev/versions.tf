terraform {
  required_version = ">= 1.9, < 2"

  required_providers {
    google = {
      source  = "hashicorp/google"
      version = "~> 6.50"
    }
  }

  # Bucket, prefix and account come with -backend-config: docs/runbooks/install.md.
  backend "gcs" {}
}

# Applied as the deployer. People act as it; a pipeline has come as it already, and an account cannot act as itself.
provider "google" {
  project                     = var.project_id
  region                      = var.region
  impersonate_service_account = var.act_as_deployer ? var.deployer : null
}
