mock_provider "google" {
  override_during = plan

  mock_data "google_project" {
    defaults = {
      number = "123456789012"
    }
  }

  mock_data "google_iam_policy" {
    defaults = {
      policy_data = "{\"bindings\":[]}"
    }
  }

  mock_resource "google_service_account" {
    defaults = {
      email = "mock@acme-gateway.iam.gserviceaccount.com"
      name  = "projects/acme-gateway/serviceAccounts/mock@acme-gateway.iam.gserviceaccount.com"
    }
  }

  mock_resource "google_secret_manager_secret" {
    defaults = {
      id = "projects/acme-gateway/secrets/mock"
    }
  }

  mock_resource "google_secret_manager_secret_version" {
    defaults = {
      version = "1"
    }
  }

  mock_resource "google_kms_crypto_key" {
    defaults = {
      id = "projects/acme-gateway/locations/europe-west1/keyRings/lockkeeper-gateway/cryptoKeys/mock"
    }
  }

  mock_resource "google_certificate_manager_dns_authorization" {
    defaults = {
      dns_resource_record = [{ name = "_acme-challenge.example.", type = "CNAME", data = "x.authorize.example." }]
    }
  }

  mock_resource "google_compute_backend_service" {
    defaults = {
      generated_id = 1
    }
  }
}

variables {
  project_id = "acme-gateway-dev"
  deployer   = "lockkeeper-deployer@acme-gateway-dev.iam.gserviceaccount.com"
  door       = "gw.dev.acme.example"

  secrets = {
    session-key   = { service = "proxy", version = 1 }
    receipt-key   = { service = "approval", version = 1 }
    slack-signing = { service = "approval", version = 1 }
    slack-token   = { service = "notifier", version = 1 }
  }

  operators = {
    policy   = ["lk-policy@acme-gateway-dev.iam.gserviceaccount.com"]
    approval = ["lk-oncall@acme-gateway-dev.iam.gserviceaccount.com"]
    audit    = ["lk-auditor@acme-gateway-dev.iam.gserviceaccount.com"]
    notifier = ["lk-oncall@acme-gateway-dev.iam.gserviceaccount.com"]
  }

  targets = {
    google = {
      hosts = ["*.googleapis.com"]
      tier  = "change"
      tiers = {
        read   = { roles = { acme-shop-dev = ["roles/storage.objectViewer", "roles/compute.viewer"] } }
        change = { roles = { acme-shop-dev = ["roles/storage.objectAdmin", "roles/compute.instanceAdmin.v1"] } }
      }
    }
  }

  alert_emails = ["platform@acme.example"]
}

run "the_example_is_sound" {
  command = plan

  assert {
    condition     = module.lockkeeper.address == null && length(module.lockkeeper.records) == 0
    error_message = "An edge is there before the proxy."
  }
}

run "the_example_with_images" {
  command = plan

  variables {
    images = { for name in ["proxy", "policy", "approval", "audit", "notifier"] : name => "europe-west1-docker.pkg.dev/acme-gateway-dev/lockkeeper/${name}@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef" }
  }

  assert {
    condition     = toset(keys(module.lockkeeper.origins)) == toset(["policy", "approval", "audit", "notifier"])
    error_message = "An address is missing."
  }
}
