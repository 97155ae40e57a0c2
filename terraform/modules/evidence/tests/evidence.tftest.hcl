mock_provider "google" {
  override_during = plan
}

variables {
  project_id = "acme-gateway"
  prefix     = "lockkeeper-"
  bucket     = "acme-gateway-log"
  location   = "EU"
  writer     = "lockkeeper-audit@acme-gateway.iam.gserviceaccount.com"
}

run "invariant_8_the_writer_can_neither_change_nor_remove" {
  command = plan

  assert {
    condition     = google_storage_bucket_iam_member.creator.role == "roles/storage.objectCreator" && google_storage_bucket_iam_member.writer_reads.role == "roles/storage.objectViewer" && tostring(google_storage_bucket.log.retention_policy[0].retention_period) == "34560000"
    error_message = "The log can be changed."
  }
}

run "nothing_is_locked_by_itself" {
  command = plan

  assert {
    condition     = !google_storage_bucket.log.retention_policy[0].is_locked && !output.locked
    error_message = "The retention is locked although nobody said so."
  }
}

run "locking_takes_words" {
  command = plan

  variables {
    lock = true
  }

  expect_failures = [var.lock]
}

run "the_words_must_be_these" {
  command = plan

  variables {
    lock              = true
    retention_days    = 400
    lock_confirmation = "lock acme-gateway-log for 400 days"
  }

  assert {
    condition     = google_storage_bucket.log.retention_policy[0].is_locked
    error_message = "The retention is not locked."
  }
}

run "only_saved_states_end_by_themselves" {
  command = plan

  assert {
    condition     = length(google_storage_bucket.log.lifecycle_rule) == 1 && join(" ", one(one(google_storage_bucket.log.lifecycle_rule).condition).matches_prefix) == "log/state/"
    error_message = "Pieces of the log would be removed."
  }
}

run "googles_own_log_says_who_reads" {
  command = plan

  assert {
    condition     = contains(keys(google_project_iam_audit_config.reads), "iamcredentials.googleapis.com") && strcontains(google_logging_project_sink.google_audit.filter, "data_access")
    error_message = "A token that went around the gateway would not show."
  }
}
