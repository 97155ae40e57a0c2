mock_provider "google" {
  override_during = plan
}

variables {
  project_id = "acme-gateway"
}

run "the_deployer_has_no_primitive_role_and_reads_no_secret" {
  command = plan

  assert {
    condition     = alltrue([for role in keys(google_project_iam_member.deployer) : !contains(["roles/owner", "roles/editor", "roles/viewer", "roles/secretmanager.secretAccessor"], role)])
    error_message = "The deployer may do more than deploy."
  }
}

run "state_is_kept" {
  command = plan

  assert {
    condition     = google_storage_bucket.state.versioning[0].enabled && google_storage_bucket.state.public_access_prevention == "enforced"
    error_message = "The state can be lost or read."
  }
}

run "without_a_repository_no_pipeline_comes_in" {
  command = plan

  assert {
    condition     = length(google_iam_workload_identity_pool.pipeline) == 0 && output.pipeline_provider == null
    error_message = "A pool is open that nobody asked for."
  }
}

run "a_pipeline_is_one_repository_of_one_owner_in_one_environment" {
  command = plan

  variables {
    repository = { name = "acme/gateway", owner_id = "1234567", environment = "production" }
  }

  assert {
    condition     = google_iam_workload_identity_pool_provider.github[0].attribute_condition == "assertion.repository_owner_id == '1234567' && assertion.repository == 'acme/gateway' && assertion.environment == 'production'"
    error_message = "Other pipelines come in."
  }
}

run "rights_of_the_organization_only_where_something_is_guarded" {
  command = plan

  variables {
    guarded      = "folders/480012345678"
    organization = "123456789012"
  }

  assert {
    condition     = toset(keys(google_organization_iam_member.guard)) == toset(["roles/iam.denyAdmin", "roles/orgpolicy.policyAdmin"])
    error_message = "The deployer cannot set the guards."
  }
}

run "a_guarded_folder_wants_its_organization" {
  command = plan

  variables {
    guarded = "folders/480012345678"
  }

  expect_failures = [var.organization]
}

run "in_target_projects_the_deployer_gives_upstream_roles_alone" {
  command = plan

  variables {
    target_projects = ["acme-shop"]
    upstream_roles  = ["roles/storage.objectAdmin"]
  }

  assert {
    condition     = google_project_iam_member.target["acme-shop"].condition[0].expression == "api.getAttribute('iam.googleapis.com/modifiedGrantsByRole', []).hasOnly(['roles/storage.objectAdmin'])"
    error_message = "The deployer could give itself anything."
  }
}

run "target_projects_want_their_roles" {
  command = plan

  variables {
    target_projects = ["acme-shop"]
  }

  expect_failures = [var.upstream_roles]
}
