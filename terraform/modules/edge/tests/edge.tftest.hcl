mock_provider "google" {
  override_during = plan

  mock_resource "google_certificate_manager_dns_authorization" {
    defaults = {
      dns_resource_record = [{ name = "_acme-challenge.example.", type = "CNAME", data = "x.authorize.example." }]
    }
  }
}

variables {
  project_id     = "acme-gateway"
  region         = "europe-west1"
  project_number = "123456789012"
  name           = "lockkeeper-edge"
  door           = "gw.acme.example"
  proxy_service  = "lockkeeper-proxy"
  routes = {
    console = { service = "lockkeeper-console", host = "console.acme.example", iap = true }
    slack   = { service = "lockkeeper-notifier", host = "slack-clicks.acme.example", paths = ["/slack/interactivity"] }
  }
}

run "the_certificate_is_good_for_every_name_of_the_door" {
  command = plan

  assert {
    condition     = toset(google_certificate_manager_certificate.main["gw.acme.example"].managed[0].domains) == toset(["gw.acme.example", "*.gw.acme.example"])
    error_message = "The domain door would have no certificate."
  }

  assert {
    condition     = toset(keys(google_certificate_manager_certificate.main)) == toset(["gw.acme.example", "console.acme.example", "slack-clicks.acme.example"])
    error_message = "A host has no certificate."
  }
}

run "only_the_console_is_behind_identity_aware_proxy" {
  command = plan

  assert {
    condition     = google_compute_backend_service.main["console"].iap[0].enabled && !google_compute_backend_service.main["proxy"].iap[0].enabled && !google_compute_backend_service.main["slack"].iap[0].enabled
    error_message = "Agents or Slack would be asked to sign in, or the console is open."
  }
}

run "of_the_notifier_one_path_is_in_reach" {
  command = plan

  assert {
    condition     = join(" ", flatten([for matcher in google_compute_url_map.main.path_matcher : [for rule in matcher.path_rule : rule.paths] if matcher.name == "slack"])) == "/slack/interactivity"
    error_message = "More than Slack's path is in reach."
  }
}

run "there_is_no_clear_text_and_no_early_data" {
  command = plan

  assert {
    condition     = google_compute_global_forwarding_rule.main.port_range == "443" && google_compute_target_https_proxy.main.tls_early_data == "DISABLED" && google_compute_ssl_policy.main.min_tls_version == "TLS_1_2"
    error_message = "Something is sent in clear text or twice."
  }
}

run "floods_are_kept_away" {
  command = plan

  assert {
    condition     = anytrue([for rule in google_compute_security_policy.agents.rule : try(rule.rate_limit_options[0].exceed_action, "") == "deny(429)"]) && anytrue([for rule in google_compute_security_policy.agents.rule : rule.priority == 2147483647 && rule.action == "deny(403)"])
    error_message = "One address can flood the proxy, or strangers come in."
  }
}

run "a_zone_gets_every_record" {
  command = plan

  variables {
    dns_zone = { project_id = "acme-dns", name = "acme-example" }
  }

  assert {
    condition     = length(google_dns_record_set.main) == 7
    error_message = "A record is missing."
  }
}

run "a_door_with_a_scheme_is_refused" {
  command = plan

  variables {
    door = "https://gw.acme.example"
  }

  expect_failures = [var.door]
}

run "two_routes_to_one_host_are_refused" {
  command = plan

  variables {
    routes = {
      console = { service = "lockkeeper-console", host = "gw.acme.example", iap = true }
    }
  }

  expect_failures = [var.routes]
}
