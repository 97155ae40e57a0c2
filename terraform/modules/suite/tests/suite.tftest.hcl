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
  project_id         = "acme-gateway"
  deployer           = "lockkeeper-deployer@acme-gateway.iam.gserviceaccount.com"
  region             = "europe-west1"
  location           = "EU"
  database_location  = "eur3"
  message_regions    = ["europe-west1"]
  settings_directory = "../../environments/prod/settings"
  door               = "gw.acme.example"
  alert_emails       = ["platform@acme.example"]
  operators = {
    policy   = ["lk-policy@acme-gateway.iam.gserviceaccount.com"]
    approval = ["lk-oncall@acme-gateway.iam.gserviceaccount.com"]
    audit    = ["lk-auditor@acme-gateway.iam.gserviceaccount.com"]
    notifier = ["lk-oncall@acme-gateway.iam.gserviceaccount.com"]
  }
  targets = {
    google = { hosts = ["*.googleapis.com"], tier = "change", tiers = { change = { roles = { acme-shop = ["roles/storage.objectAdmin"] } } } }
  }
  secrets = {
    session-key   = { service = "proxy", version = 1 }
    receipt-key   = { service = "approval", version = 3 }
    slack-signing = { service = "approval", version = 1 }
    slack-token   = { service = "notifier", version = 1 }
    console-oidc  = { service = "console", version = 1 }
  }
}

run "the_first_apply_makes_everything_but_the_services" {
  command = plan

  assert {
    condition     = length(module.service) == 0 && length(module.edge) == 0 && length(module.database) == length(jsondecode(file("../../../infra/topology.json")).databases) && output.address == null
    error_message = "Services would start before their secrets have values."
  }

  assert {
    condition     = toset(keys(output.accounts)) == toset(["proxy", "policy", "approval", "audit", "notifier", "console"])
    error_message = "An account is missing."
  }
}

run "every_topic_and_subscription_of_the_topology_is_made" {
  command = plan

  assert {
    condition     = toset(keys(module.topic)) == toset([for topic in jsondecode(file("../../../infra/topology.json")).topics : topic.name])
    error_message = "A topic is missing."
  }

  assert {
    condition     = toset(flatten([for topic in values(module.topic) : keys(topic.subscriptions)])) == toset([for one in jsondecode(file("../../../infra/topology.json")).subscriptions : one.id])
    error_message = "A subscription is missing."
  }

  assert {
    condition     = alltrue([for one in jsondecode(file("../../../infra/topology.json")).subscriptions : contains(output.alerts, "measured dead-${one.id}")])
    error_message = "A subscription's dead letters have no alert."
  }
}

run "addresses_are_known_before_the_services_are_there" {
  command = plan

  assert {
    condition     = output.origins.approval == "https://lockkeeper-approval-123456789012.europe-west1.run.app"
    error_message = "Settings would name another address."
  }
}

run "the_deployer_is_not_locked_out_by_its_own_policy" {
  command = plan

  variables {
    upstream_project_id = "acme-gateway-upstream"
    guard               = { guarded = "folders/480012345678", exceptions = ["principalSet://goog/group/platform-emergency@acme.example"] }
  }

  assert {
    condition     = output.guards.changes_denied && output.guards.tokens_denied && !output.guards.organization_rules
    error_message = "The guards are not on."
  }
}

run "invariant_7_the_signing_secret_is_the_approval_services_alone" {
  command = plan

  assert {
    condition     = contains(keys(yamldecode(output.settings.approval).secrets.secretManager), "slack-signing") && join(" ", keys(yamldecode(output.settings.notifier).secrets.secretManager)) == "slack-token"
    error_message = "The notifier could make decisions."
  }
}

run "all_services_with_an_edge" {
  command = plan

  variables {
    images          = { for name in ["proxy", "policy", "approval", "audit", "notifier"] : name => "europe-west1-docker.pkg.dev/acme-gateway/lockkeeper/${name}@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef" }
    operator_hosts  = { approval = "approval.ops.acme.example" }
    operator_ranges = ["198.51.100.0/24"]
    slack_host      = "slack-clicks.acme.example"
  }

  assert {
    condition     = length(module.service) == 5 && length(module.edge) == 1 && length(module.console) == 0
    error_message = "A service is missing."
  }

  assert {
    condition     = toset(keys(module.edge[0].backends)) == toset(["proxy", "approval", "slack"])
    error_message = "Something else is in reach from outside."
  }
}

run "the_console_may_ask_where_it_must_and_is_behind_a_sign_in" {
  command = plan

  variables {
    images  = { for name in ["proxy", "policy", "approval", "audit", "notifier", "console"] : name => "europe-west1-docker.pkg.dev/acme-gateway/lockkeeper/${name}@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef" }
    console = { host = "console.acme.example", people = { approvers = "group:approvers@acme.example" } }
  }

  assert {
    condition     = length(module.console) == 1 && can(yamldecode(output.settings.approval).console) && length(yamldecode(output.settings.audit).operators.allowed) == 2 && length(yamldecode(output.settings.policy).operators.allowed) == 1
    error_message = "The console cannot ask, or is open."
  }
}

run "operators_hosts_are_for_named_networks" {
  command = plan

  variables {
    operator_hosts = { approval = "approval.ops.acme.example" }
  }

  expect_failures = [var.operator_ranges]
}

run "the_proxy_needs_its_key" {
  command = plan

  variables {
    secrets = { receipt-key = { service = "approval", version = 1 } }
  }

  expect_failures = [var.secrets]
}

run "the_key_of_mails_links_is_the_notifiers_and_the_consoles" {
  command = plan

  variables {
    approval_url = "https://console.acme.example/a/{id}"
    console      = { host = "console.acme.example", people = { approvers = "group:approvers@acme.example" } }
    secrets = {
      session-key  = { service = "proxy", version = 1 }
      receipt-key  = { service = "approval", version = 1 }
      slack-token  = { service = "notifier", version = 1 }
      console-oidc = { service = "console", version = 1 }
      mail-links   = { service = "notifier", version = 1 }
    }
  }

  assert {
    condition     = alltrue([for service, text in output.settings : contains(["notifier", "console"], service) == can(yamldecode(text).secrets.secretManager.mail-links) && contains(["notifier", "console"], service) == can(yamldecode(text).mailLinkKey)])
    error_message = "The key is missing where links are made or opened, or lies where it has no use."
  }
}

run "mails_links_without_a_console_are_refused" {
  command = plan

  variables {
    secrets = { session-key = { service = "proxy", version = 1 }, receipt-key = { service = "approval", version = 1 }, mail-links = { service = "notifier", version = 1 } }
  }

  expect_failures = [var.secrets]
}

run "a_collector_stands_beside_every_service_and_may_write_telemetry_alone" {
  command = plan

  variables {
    collector_image = "europe-west1-docker.pkg.dev/acme-gateway/lockkeeper/collector@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
  }

  assert {
    condition     = alltrue([for text in values(output.settings) : yamldecode(text).telemetry.otlp == "http://127.0.0.1:4318"])
    error_message = "A service does not send to its collector."
  }

  assert {
    condition     = toset([for one in values(google_project_iam_member.telemetry) : one.role]) == toset(["roles/cloudtrace.agent", "roles/monitoring.metricWriter"]) && length(google_project_iam_member.telemetry) == 12
    error_message = "Collectors may do more, or less, than write traces and metrics."
  }
}
