mock_provider "google" {
  override_during = plan
}

variables {
  project_id = "acme-gateway"
  region     = "europe-west1"
  name       = "lockkeeper-gateway"
}

run "googles_interfaces_are_reached_from_within" {
  command = plan

  assert {
    condition     = google_compute_subnetwork.main.private_ip_google_access
    error_message = "Inner services would not take the proxy's requests."
  }
}

run "nothing_comes_in" {
  command = plan

  assert {
    condition     = google_compute_firewall.nothing_in.direction == "INGRESS" && length(google_compute_firewall.nothing_in.deny) == 1
    error_message = "The network lets something in."
  }
}

run "a_small_range_is_refused" {
  command = plan

  variables {
    range = "10.8.0.0/28"
  }

  expect_failures = [var.range]
}
