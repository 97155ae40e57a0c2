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
  project_id          = "acme-gateway"
  upstream_project_id = "acme-gateway-upstream"
  deployer            = "lockkeeper-deployer@acme-gateway.iam.gserviceaccount.com"
  door                = "gw.acme.example"
  slack_host          = "slack-clicks.acme.example"
  approval_url        = "https://console.acme.example/a/{id}"
  first_rotation      = "2027-02-22T09:00:00Z"
  dns_zone            = { project_id = "acme-dns", name = "acme-example" }

  operator_hosts = {
    policy   = "policy.ops.acme.example"
    approval = "approval.ops.acme.example"
    audit    = "audit.ops.acme.example"
    notifier = "notifier.ops.acme.example"
  }
  operator_ranges = ["198.51.100.0/24"]

  secrets = {
    session-key   = { service = "proxy", version = 1 }
    receipt-key   = { service = "approval", version = 1 }
    slack-signing = { service = "approval", version = 1 }
    slack-token   = { service = "notifier", version = 1 }
    console-oidc  = { service = "console", version = 1 }
  }

  operators = {
    policy   = ["lk-policy@acme-gateway.iam.gserviceaccount.com"]
    approval = ["lk-oncall@acme-gateway.iam.gserviceaccount.com"]
    audit    = ["lk-auditor@acme-gateway.iam.gserviceaccount.com"]
    notifier = ["lk-oncall@acme-gateway.iam.gserviceaccount.com"]
  }

  targets = {
    google = {
      hosts = ["*.googleapis.com"]
      tier  = "change"
      tiers = {
        read   = { roles = { acme-shop = ["roles/storage.objectViewer", "roles/compute.viewer", "roles/bigquery.jobUser", "roles/bigquery.dataViewer"] } }
        change = { roles = { acme-shop = ["roles/storage.objectAdmin", "roles/compute.instanceAdmin.v1", "roles/bigquery.jobUser", "roles/bigquery.dataEditor"] } }
      }
    }
  }

  guard = {
    guarded                = "folders/480012345678"
    exceptions             = ["principalSet://goog/group/platform-emergency@acme.example", "principal://iam.googleapis.com/projects/-/serviceAccounts/infra-pipeline@acme-infra.iam.gserviceaccount.com"]
    service_agent_projects = ["480087654321"]
    customer_ids           = ["C01234567"]
    perimeter = {
      access_policy = "987654321098"
      projects      = ["projects/480087654321"]
      services      = ["storage.googleapis.com", "bigquery.googleapis.com"]
    }
  }

  log = {
    retention_days = 400
    lock           = false
    readers        = { collector = "serviceAccount:log-collector@acme-audit.iam.gserviceaccount.com" }
  }

  alert_emails = ["platform@acme.example", "security@acme.example"]
}

run "the_example_is_sound_and_guarded" {
  command = plan

  assert {
    condition     = module.lockkeeper.guards.tokens_denied && module.lockkeeper.guards.changes_denied && module.lockkeeper.guards.organization_rules && module.lockkeeper.guards.project_protected
    error_message = "Production can be gone around."
  }
}

run "the_example_with_images_and_console" {
  command = plan

  variables {
    images  = { for name in ["proxy", "policy", "approval", "audit", "notifier", "console"] : name => "europe-west1-docker.pkg.dev/acme-gateway/lockkeeper/${name}@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef" }
    console = { host = "console.acme.example", people = { approvers = "group:approvers@acme.example" } }
  }

  assert {
    condition     = length(module.lockkeeper.records) > 0
    error_message = "There is no edge."
  }
}

run "upstream_accounts_live_apart" {
  command = plan

  variables {
    upstream_project_id = "acme-gateway"
  }

  expect_failures = [var.upstream_project_id]
}

run "somebody_can_help" {
  command = plan

  variables {
    guard = { guarded = "folders/480012345678", exceptions = [], service_agent_projects = [], customer_ids = ["C01234567"] }
  }

  expect_failures = [var.guard]
}

run "every_plan_says_that_guards_are_missing" {
  command = plan

  variables {
    guard = { guarded = null, exceptions = ["principalSet://goog/group/platform-emergency@acme.example"], service_agent_projects = [], organization_rules = false, customer_ids = [] }
  }

  expect_failures = [check.unavoidable]
}

run "the_log_is_kept_and_copied" {
  command = plan

  variables {
    log = { retention_days = 30, lock = false, readers = {} }
  }

  expect_failures = [var.log]
}
