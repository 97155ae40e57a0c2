# This module has no provider: `terraform init && terraform test` runs these anywhere.
variables {
  project_id = "acme-gateway"
  own = {
    proxy    = "issuers: [{ name: github, issuer: 'https://token.actions.githubusercontent.com', audience: lockkeeper, agent: { id: claims.repository } }]"
    policy   = "{}"
    approval = "{}"
    audit    = "origin: acme/lockkeeper"
    notifier = "notify: { channels: [] }"
    console  = "{}"
  }
  databases = { policy = "lockkeeper-policy", approval = "lockkeeper-approval", audit = "lockkeeper-audit", notifier = "lockkeeper-notifier", console = "lockkeeper-console" }
  buckets   = { bundles = "acme-bundles", receipts = "acme-receipts", log = "acme-log" }
  keys = {
    proxy  = ["projects/p/locations/l/keyRings/r/cryptoKeys/proxy/cryptoKeyVersions/2", "projects/p/locations/l/keyRings/r/cryptoKeys/proxy/cryptoKeyVersions/1"]
    policy = ["projects/p/locations/l/keyRings/r/cryptoKeys/policy/cryptoKeyVersions/1"]
    audit  = ["projects/p/locations/l/keyRings/r/cryptoKeys/audit/cryptoKeyVersions/3", "projects/p/locations/l/keyRings/r/cryptoKeys/audit/cryptoKeyVersions/1"]
  }
  secrets = {
    proxy    = { session-key = { secret = "projects/acme-gateway/secrets/session-key", version = 1 } }
    approval = { receipt-key = { secret = "projects/acme-gateway/secrets/receipt-key", version = 4 } }
    notifier = {}
  }
  origins            = { policy = "https://policy.example", approval = "https://approval.example", audit = "https://audit.example", notifier = "https://notifier.example" }
  pushers            = { approval = "push-approval@acme-gateway.iam.gserviceaccount.com", audit = "push-audit@acme-gateway.iam.gserviceaccount.com", notifier = "push-notifier@acme-gateway.iam.gserviceaccount.com" }
  proxy_account      = "proxy@acme-gateway.iam.gserviceaccount.com"
  operators          = { policy = ["pipeline@acme-gateway.iam.gserviceaccount.com"], approval = ["oncall@acme-gateway.iam.gserviceaccount.com"], audit = ["auditors@acme-gateway.iam.gserviceaccount.com"], notifier = ["oncall@acme-gateway.iam.gserviceaccount.com"] }
  people_path        = "/etc/lockkeeper/people/people.yaml"
  door               = "gw.acme.example"
  approval_url       = "https://console.acme.example/a/{id}"
  protected_projects = ["acme-gateway", "123456789012"]
  targets            = [{ name = "storage", hosts = ["storage.googleapis.com"], account = "lk-storage-change@acme-upstream.iam.gserviceaccount.com" }]
}

run "invariant_14_every_service_is_in_real_mode" {
  command = plan

  assert {
    condition     = alltrue([for text in values(output.files) : yamldecode(text).mode == "real"])
    error_message = "A service is not in real mode."
  }
}

run "only_the_proxy_claims" {
  command = plan

  assert {
    condition     = yamldecode(output.files.approval).proxies.allowed == ["proxy@acme-gateway.iam.gserviceaccount.com"]
    error_message = "Somebody else than the proxy may claim."
  }
}

run "pushes_are_believed_of_one_account_at_the_own_address" {
  command = plan

  assert {
    condition     = alltrue([for service in ["approval", "audit", "notifier"] : yamldecode(output.files[service]).pusher.account == "push-${service}@acme-gateway.iam.gserviceaccount.com" && yamldecode(output.files[service]).pusher.origin == "https://${service}.example"])
    error_message = "A service believes another pusher."
  }
}

run "the_signing_version_comes_first_and_older_ones_stay_trusted" {
  command = plan

  assert {
    condition     = endswith(yamldecode(output.files.audit).signer.kms, "/3") && [for key in yamldecode(output.files.audit).logKeys : key.kms] == ["projects/p/locations/l/keyRings/r/cryptoKeys/audit/cryptoKeyVersions/1"]
    error_message = "The older version of the log's key is forgotten."
  }

  assert {
    condition     = length(yamldecode(output.files.audit).writerKeys) == 2 && length(yamldecode(output.files.policy).trustedKeys) == 0
    error_message = "Writers' keys or policies' keys are wrong."
  }
}

run "invariant_12_the_gateways_projects_are_protected" {
  command = plan

  assert {
    condition     = yamldecode(output.files.proxy).protected.projects == ["acme-gateway", "123456789012"]
    error_message = "A project of the gateway's own is in reach."
  }
}

run "invariant_7_the_notifier_has_no_signing_secret" {
  command = plan

  assert {
    condition     = length(yamldecode(output.files.notifier).secrets.secretManager) == 0
    error_message = "The notifier has a secret that nobody gave it."
  }
}

run "what_terraform_writes_cannot_be_written_beside_it" {
  command = plan

  variables {
    own = {
      proxy    = "mode: sandbox"
      policy   = "{}"
      approval = "{}"
      audit    = "{}"
      notifier = "{}"
      console  = "{}"
    }
  }

  expect_failures = [var.own]
}

run "a_service_without_settings_is_refused" {
  command = plan

  variables {
    own = { proxy = "{}" }
  }

  expect_failures = [var.own]
}

run "a_service_without_an_operator_is_refused" {
  command = plan

  variables {
    operators = { policy = [], approval = ["oncall@acme-gateway.iam.gserviceaccount.com"], audit = ["auditors@acme-gateway.iam.gserviceaccount.com"], notifier = ["oncall@acme-gateway.iam.gserviceaccount.com"] }
  }

  expect_failures = [var.operators]
}

run "an_inner_service_over_plain_http_is_refused" {
  command = plan

  variables {
    origins = { policy = "http://policy.example", approval = "https://approval.example", audit = "https://audit.example", notifier = "https://notifier.example" }
  }

  expect_failures = [var.origins]
}

run "the_console_is_known_to_approvals_and_shares_their_issuers" {
  command = plan

  variables {
    own = {
      proxy    = "{}"
      policy   = "{}"
      approval = "approverIssuers: [{ name: console, issuer: 'https://login.acme.example', audience: lockkeeper-approvals }]"
      audit    = "{}"
      notifier = "{}"
      console  = "signIn: [{ issuer: console, clientId: lockkeeper-approvals }]"
    }
    console = { origin = "https://console.acme.example", account = "console@acme-gateway.iam.gserviceaccount.com", iap_audience = "/projects/123456789012/global/backendServices/1" }
  }

  assert {
    condition     = yamldecode(output.files.approval).console == "console@acme-gateway.iam.gserviceaccount.com" && yamldecode(output.files.console).approverIssuers[0].name == "console" && yamldecode(output.files.console).iap.audience == "/projects/123456789012/global/backendServices/1"
    error_message = "The console could not ask, or would believe other issuers than the approval service."
  }
}

run "a_console_that_nobody_can_sign_in_to_is_refused" {
  command = plan

  variables {
    console = { origin = "https://console.acme.example", account = "console@acme-gateway.iam.gserviceaccount.com" }
  }

  expect_failures = [var.console]
}

run "with_a_collector_every_service_sends_to_it" {
  command = plan

  variables {
    collector_url = "http://127.0.0.1:4318"
  }

  assert {
    condition     = alltrue([for text in values(output.files) : yamldecode(text).telemetry.otlp == "http://127.0.0.1:4318"])
    error_message = "A collector would stand there for nothing."
  }
}
