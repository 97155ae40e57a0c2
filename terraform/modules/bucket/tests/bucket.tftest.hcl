mock_provider "google" {
  override_during = plan
}

variables {
  project_id = "acme-gateway"
  name       = "acme-gateway-receipts"
  location   = "EU"
  creators   = { approval = "lockkeeper-approval@acme-gateway.iam.gserviceaccount.com" }
}

run "a_bucket_is_never_public" {
  command = plan

  assert {
    condition     = google_storage_bucket.main.public_access_prevention == "enforced" && google_storage_bucket.main.uniform_bucket_level_access && !google_storage_bucket.main.force_destroy
    error_message = "The bucket can be opened or emptied."
  }
}

run "who_creates_cannot_remove" {
  command = plan

  assert {
    condition     = length(google_storage_bucket_iam_member.remover) == 0 && google_storage_bucket_iam_member.creator["approval"].role == "roles/storage.objectCreator"
    error_message = "A creator may remove."
  }
}

run "removing_is_one_permission" {
  command = plan

  variables {
    removers = { approval = "lockkeeper-approval@acme-gateway.iam.gserviceaccount.com" }
  }

  assert {
    condition     = join(" ", google_project_iam_custom_role.remover[0].permissions) == "storage.objects.delete"
    error_message = "A remover may do more."
  }
}

run "three_days_of_soft_delete_do_not_exist" {
  command = plan

  variables {
    soft_delete_days = 3
  }

  expect_failures = [var.soft_delete_days]
}
