mock_provider "google" {
  override_during = plan
}

variables {
  project_id = "acme-gateway"
  name       = "lockkeeper-receipt-key"
  locations  = ["europe-west1"]
  readers    = { approval = "lockkeeper-approval@acme-gateway.iam.gserviceaccount.com" }
}

run "terraform_never_sees_a_value" {
  command = plan

  assert {
    condition     = length(google_secret_manager_secret_version.settings) == 0 && output.version == null
    error_message = "A version was made."
  }
}

run "a_destroyed_version_can_be_had_back" {
  command = plan

  assert {
    condition     = google_secret_manager_secret.main.version_destroy_ttl == "604800s" && google_secret_manager_secret.main.deletion_protection
    error_message = "A mistake is for ever."
  }
}

run "settings_have_a_version_of_their_own" {
  command = plan

  variables {
    settings_text = "mode: real"
  }

  assert {
    condition     = length(google_secret_manager_secret_version.settings) == 1 && google_secret_manager_secret_version.settings[0].deletion_policy == "ABANDON"
    error_message = "A revision that still runs would lose its settings."
  }
}

run "rotation_tells_somebody" {
  command = plan

  variables {
    rotation_days = 90
  }

  expect_failures = [var.rotation_days]
}

run "rotation_has_topic_and_date" {
  command = plan

  variables {
    rotation_days  = 90
    rotation_topic = "projects/acme-gateway/topics/lockkeeper-secret-events"
    first_rotation = "2027-02-22T09:00:00Z"
  }

  assert {
    condition     = google_secret_manager_secret.main.rotation[0].rotation_period == "7776000s" && google_secret_manager_secret.main.topics[0].name == var.rotation_topic
    error_message = "Nobody is told."
  }
}
