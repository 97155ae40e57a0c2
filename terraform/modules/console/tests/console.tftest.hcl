mock_provider "google" {
  override_during = plan
}

variables {
  project_id      = "acme-gateway"
  project_number  = "123456789012"
  region          = "europe-west1"
  service         = "lockkeeper-console"
  backend_service = "lockkeeper-edge-console"
  people          = { approvers = "group:approvers@acme.example" }
}

run "only_identity_aware_proxy_calls_the_console" {
  command = plan

  assert {
    condition     = google_cloud_run_v2_service_iam_member.iap.member == "serviceAccount:service-123456789012@gcp-sa-iap.iam.gserviceaccount.com"
    error_message = "Somebody goes around the sign-in."
  }
}

run "only_the_named_people_come_in" {
  command = plan

  assert {
    condition     = length(google_iap_web_backend_service_iam_member.person) == 1 && google_iap_web_backend_service_iam_member.person["approvers"].member == "group:approvers@acme.example"
    error_message = "Others come in."
  }
}

run "everybody_is_nobody" {
  command = plan

  variables {
    people = { all = "everybody" }
  }

  expect_failures = [var.people]
}
