mock_provider "google" {
  override_during = plan
}

variables {
  project_id        = "acme-gateway"
  region            = "europe-west1"
  prefix            = "lockkeeper-"
  services          = ["proxy", "policy", "approval", "audit", "notifier"]
  subscriptions     = [{ id = "approval-access", service = "approval", dead_letters = "approval-access-dead" }, { id = "audit-records", service = "audit", dead_letters = "audit-records-dead" }]
  emails            = ["platform@acme.example"]
  host              = "gw.acme.example"
  deployer          = "lockkeeper-deployer@acme-gateway.iam.gserviceaccount.com"
  proxy_account     = "lockkeeper-proxy@acme-gateway.iam.gserviceaccount.com"
  upstream_accounts = ["lk-google-change@acme-gateway-upstream.iam.gserviceaccount.com"]
  log_bucket        = "acme-gateway-log"
}

run "every_subscription_has_alerts_on_dead_letters_and_lag" {
  command = plan

  assert {
    condition     = alltrue([for one in var.subscriptions : contains(output.alerts, "measured dead-${one.id}") && contains(output.alerts, "measured lag-${one.id}")])
    error_message = "A subscription can fail in silence."
  }
}

run "what_calls_need_has_an_alert_on_its_absence" {
  command = plan

  assert {
    condition     = alltrue([for name in ["proxy", "policy", "approval", "audit"] : contains(output.alerts, "absent ${name}")])
    error_message = "A service can be gone in silence."
  }
}

run "a_token_that_went_around_the_gateway_is_told" {
  command = plan

  assert {
    condition     = strcontains(google_monitoring_alert_policy.audited["bypass"].conditions[0].condition_matched_log[0].filter, "lk-google-change@acme-gateway-upstream[.]iam[.]gserviceaccount[.]com") && strcontains(google_monitoring_alert_policy.audited["bypass"].conditions[0].condition_matched_log[0].filter, "NOT protoPayload.authenticationInfo.principalEmail=\"${var.proxy_account}\"")
    error_message = "A bypass would go unseen."
  }
}

run "a_change_of_rights_is_told_however_google_writes_it" {
  command = plan

  # Of a filter the regular expression is taken out and tried on what Google's audit log calls the methods.
  assert {
    condition     = alltrue([for method in ["SetIamPolicy", "google.iam.admin.v1.SetIAMPolicy", "storage.setIamPermissions", "google.iam.v1.IAMPolicy.SetIamPolicy"] : can(regex(regex("methodName=~\"([^\"]+)\"", google_monitoring_alert_policy.audited["project-policy-changed"].conditions[0].condition_matched_log[0].filter)[0], method))])
    error_message = "Rights could change unseen."
  }

  assert {
    condition     = alltrue([for method in ["google.iam.v2.Policies.CreatePolicy", "google.iam.v2.Policies.DeletePolicy", "google.iam.v2beta.Policies.UpdatePolicy"] : can(regex(regex("methodName=~\"([^\"]+)\"", google_monitoring_alert_policy.audited["deny-policy-changed"].conditions[0].condition_matched_log[0].filter)[0], method))])
    error_message = "A guard could be taken away unseen."
  }

  assert {
    condition     = strcontains(google_monitoring_alert_policy.audited["service-replaced"].conditions[0].condition_matched_log[0].filter, "NOT protoPayload.authenticationInfo.principalEmail=\"${var.deployer}\"")
    error_message = "A foreign image could be put in unseen."
  }
}

run "every_alert_reaches_somebody_and_says_what_to_do" {
  command = plan

  assert {
    condition     = alltrue([for alert in concat(values(google_monitoring_alert_policy.said), values(google_monitoring_alert_policy.measured), values(google_monitoring_alert_policy.audited), values(google_monitoring_alert_policy.absent)) : length(alert.notification_channels) > 0 && length(alert.documentation[0].content) > 20])
    error_message = "An alert reaches nobody, or helps nobody."
  }
}

run "without_an_edge_nobody_asks_the_door" {
  command = plan

  variables {
    host = null
  }

  assert {
    condition     = length(google_monitoring_uptime_check_config.door) == 0 && !contains(output.alerts, "door")
    error_message = "A door is asked that is not there."
  }
}

run "what_services_measure_is_shown_where_a_collector_takes_it" {
  command = plan

  variables {
    own_metrics = true
  }

  assert {
    condition     = strcontains(google_monitoring_dashboard.main.dashboard_json, "workload.googleapis.com/lockkeeper.view.age")
    error_message = "The age of a view shows nowhere."
  }
}

run "an_alert_for_nobody_is_refused" {
  command = plan

  variables {
    emails = []
  }

  expect_failures = [var.emails]
}
