mock_provider "google" {
  override_during = plan
}

variables {
  project_id = "acme-gateway"
  name       = "lockkeeper-approval"
  location   = "eur3"
  writer     = "lockkeeper-approval@acme-gateway.iam.gserviceaccount.com"
  readers    = { proxy = "lockkeeper-proxy@acme-gateway.iam.gserviceaccount.com" }
  indexes = {
    indexes        = [{ collectionGroup = "cases", queryScope = "COLLECTION", fields = [{ fieldPath = "e.open", order = "ASCENDING" }, { fieldPath = "o.dueAt", order = "DESCENDING" }] }]
    fieldOverrides = [{ collectionGroup = "cases", fieldPath = "ttl", ttl = true, indexes = [] }, { collectionGroup = "cases", fieldPath = "json", indexes = [] }]
  }
}

run "state_is_protected" {
  command = plan

  assert {
    condition     = google_firestore_database.main.delete_protection_state == "DELETE_PROTECTION_ENABLED" && google_firestore_database.main.point_in_time_recovery_enablement == "POINT_IN_TIME_RECOVERY_ENABLED" && google_firestore_database.main.deletion_policy == "ABANDON"
    error_message = "State can be lost."
  }
}

run "a_dying_process_keeps_nobody_from_its_documents" {
  command = plan

  assert {
    condition     = google_firestore_database.main.concurrency_mode == "OPTIMISTIC"
    error_message = "Pessimistic locks outlive their process."
  }
}

run "generated_indexes_and_ends_are_made" {
  command = plan

  assert {
    condition     = output.index_count == 1 && join(" ", output.expiring) == "cases" && length(google_firestore_field.main["cases-json"].ttl_config) == 0
    error_message = "Indexes or ends are missing."
  }
}

run "each_account_is_kept_to_the_database" {
  command = plan

  assert {
    condition     = google_project_iam_member.writer.condition[0].expression == "resource.name == \"projects/acme-gateway/databases/lockkeeper-approval\"" && google_project_iam_member.reader["proxy"].role == "roles/datastore.viewer" && google_project_iam_member.reader["proxy"].condition[0].expression == google_project_iam_member.writer.condition[0].expression
    error_message = "An account reaches other databases, or a reader writes."
  }
}

run "an_override_that_is_not_understood_is_refused" {
  command = plan

  variables {
    indexes = {
      indexes        = []
      fieldOverrides = [{ collectionGroup = "cases", fieldPath = "tags", indexes = [{ order = "ASCENDING", queryScope = "COLLECTION" }] }]
    }
  }

  expect_failures = [var.indexes]
}
