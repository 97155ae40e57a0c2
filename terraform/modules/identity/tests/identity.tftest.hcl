mock_provider "google" {
  override_during = plan

  mock_resource "google_logging_project_sink" {
    defaults = {
      writer_identity = "serviceAccount:service-123456789012@gcp-sa-logging.iam.gserviceaccount.com"
    }
  }

  mock_data "google_iam_policy" {
    defaults = {
      policy_data = "{\"bindings\":[]}"
    }
  }
}

variables {
  project_id         = "acme-gateway-upstream"
  gateway_project_id = "acme-gateway"
  proxy_account      = "lockkeeper-proxy@acme-gateway.iam.gserviceaccount.com"
  targets = {
    google = {
      hosts = ["*.googleapis.com"]
      tier  = "change"
      tiers = {
        read   = { roles = { acme-shop = ["roles/storage.objectViewer"] } }
        change = { roles = { acme-shop = ["roles/storage.objectAdmin", "roles/compute.instanceAdmin.v1"] } }
      }
    }
  }
}

run "invariant_3_only_the_proxy_acts_as_an_upstream_account" {
  command = plan

  assert {
    condition     = one(data.google_iam_policy.proxy_alone.binding).role == "roles/iam.serviceAccountTokenCreator" && join(" ", one(data.google_iam_policy.proxy_alone.binding).members) == "serviceAccount:${var.proxy_account}"
    error_message = "Somebody else acts as an upstream account."
  }

  assert {
    condition     = length(google_service_account_iam_policy.proxy_alone) == 2
    error_message = "An account has no policy of its own."
  }

  assert {
    condition     = toset(google_iam_deny_policy.tokens[0].rules[0].deny_rule[0].exception_principals) == toset(["principal://iam.googleapis.com/projects/-/serviceAccounts/${var.proxy_account}"])
    error_message = "The second lock has another key."
  }

  assert {
    condition     = length(setsubtract(["actAs", "getAccessToken", "getOpenIdToken", "implicitDelegation", "signBlob", "signJwt"], [for one in google_iam_deny_policy.tokens[0].rules[0].deny_rule[0].denied_permissions : trimprefix(one, "iam.googleapis.com/serviceAccounts.")])) == 0
    error_message = "There is another way to act as an upstream account."
  }
}

run "token_requests_are_seen_where_alerts_are" {
  command = plan

  assert {
    condition     = google_logging_project_sink.audit[0].destination == "logging.googleapis.com/projects/acme-gateway" && google_project_iam_audit_config.tokens[0].service == "iamcredentials.googleapis.com"
    error_message = "A token that went around the gateway would not show."
  }
}

run "each_tier_is_an_account_with_its_own_roles" {
  command = plan

  assert {
    condition     = toset(keys(google_service_account.upstream)) == toset(["google-read", "google-change"]) && length(google_project_iam_member.upstream) == 3
    error_message = "Tiers share an account, or roles are missing."
  }
}

run "without_a_guarded_place_nothing_is_denied_there" {
  command = plan

  assert {
    condition     = !output.guards.changes_denied && !output.guards.organization_rules
    error_message = "Something is denied that nobody asked for."
  }
}

run "in_the_guarded_place_changes_pass_the_gateway" {
  command = plan

  variables {
    guarded            = "folders/480012345678"
    exceptions         = ["principalSet://goog/group/platform-emergency@acme.example"]
    organization_rules = true
    customer_ids       = ["C01234567"]

    service_agent_projects = ["480087654321"]
  }

  assert {
    condition     = contains(google_iam_deny_policy.changes[0].rules[0].deny_rule[0].exception_principals, "principal://iam.googleapis.com/projects/-/serviceAccounts/480087654321@cloudservices.gserviceaccount.com")
    error_message = "Google's own agents can start no machine."
  }

  assert {
    condition     = toset(google_iam_deny_policy.changes[0].rules[0].deny_rule[0].denied_principals) == toset(["principalSet://goog/public:all"]) && contains(google_iam_deny_policy.changes[0].rules[0].deny_rule[0].exception_principals, "principalSet://goog/group/platform-emergency@acme.example")
    error_message = "Changes go around the gateway, or nobody can help."
  }

  assert {
    condition     = contains(keys(google_org_policy_policy.enforced), "iam.managed.disableServiceAccountKeyCreation") && length(google_org_policy_policy.members) == 1 && length(google_org_policy_policy.ingress) == 1
    error_message = "An organization policy is missing."
  }
}

run "invariant_12_no_role_in_the_gateways_own_project" {
  command = plan

  variables {
    targets = { google = { hosts = ["*.googleapis.com"], tier = "change", tiers = { change = { roles = { acme-gateway = ["roles/run.developer"] } } } } }
  }

  expect_failures = [var.targets]
}

run "no_primitive_role" {
  command = plan

  variables {
    targets = { google = { hosts = ["*.googleapis.com"], tier = "change", tiers = { change = { roles = { acme-shop = ["roles/editor"] } } } } }
  }

  expect_failures = [var.targets]
}

run "no_role_that_leads_around_the_gateway" {
  command = plan

  variables {
    targets = { google = { hosts = ["*.googleapis.com"], tier = "change", tiers = { change = { roles = { acme-shop = ["roles/iam.serviceAccountTokenCreator"] } } } } }
  }

  expect_failures = [var.targets]
}

run "everybody_is_no_exception" {
  command = plan

  variables {
    guarded    = "folders/480012345678"
    exceptions = ["principalSet://goog/public:all"]
  }

  expect_failures = [var.exceptions]
}

run "a_perimeter_only_says_what_it_would_refuse_until_it_is_enforced" {
  command = plan

  variables {
    perimeter = { access_policy = "987654321098", projects = ["projects/480087654321"], services = ["storage.googleapis.com"] }
  }

  assert {
    condition     = google_access_context_manager_service_perimeter.guarded[0].use_explicit_dry_run_spec && length(google_access_context_manager_service_perimeter.guarded[0].status) == 0 && !output.guards.perimeter
    error_message = "The perimeter refuses already."
  }
}

run "no_targets_are_no_accounts" {
  command = plan

  variables {
    targets = {}
  }

  assert {
    condition     = length(google_service_account.upstream) == 0 && length(output.targets) == 0
    error_message = "There are accounts that nobody asked for."
  }
}
