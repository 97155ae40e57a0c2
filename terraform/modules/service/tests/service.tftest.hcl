mock_provider "google" {
  override_during = plan
}

variables {
  project_id = "acme-gateway"
  region     = "europe-west1"
  name       = "lockkeeper-approval"
  account    = "lockkeeper-approval@acme-gateway.iam.gserviceaccount.com"
  image      = "europe-west1-docker.pkg.dev/acme-gateway/lockkeeper/approval@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
}

run "nothing_is_open_by_default" {
  command = plan

  assert {
    condition     = google_cloud_run_v2_service.main.ingress == "INGRESS_TRAFFIC_INTERNAL_ONLY" && !google_cloud_run_v2_service.main.invoker_iam_disabled && length(google_cloud_run_v2_service_iam_member.invoker) == 0
    error_message = "A service is open without anybody having said so."
  }

  assert {
    condition     = google_cloud_run_v2_service.main.deletion_protection
    error_message = "A service can be deleted."
  }
}

run "watches_keep_their_cpu" {
  command = plan

  assert {
    condition     = !google_cloud_run_v2_service.main.template[0].containers[0].resources[0].cpu_idle
    error_message = "Without CPU between requests views age and everything is refused."
  }
}

run "it_runs_as_its_own_account" {
  command = plan

  assert {
    condition     = google_cloud_run_v2_service.main.template[0].service_account == var.account && google_cloud_run_v2_service.main.template[0].execution_environment == "EXECUTION_ENVIRONMENT_GEN2"
    error_message = "It runs as somebody else."
  }
}

run "h2c_is_named_on_the_port" {
  command = plan

  variables {
    http2 = true
  }

  assert {
    condition     = google_cloud_run_v2_service.main.template[0].containers[0].ports[0].name == "h2c"
    error_message = "Requests would not reach it over HTTP/2."
  }
}

run "invokers_are_none_where_code_alone_checks" {
  command = plan

  variables {
    check_invoker = false
    invokers      = { proxy = "serviceAccount:proxy@acme-gateway.iam.gserviceaccount.com" }
  }

  assert {
    condition     = google_cloud_run_v2_service.main.invoker_iam_disabled && length(google_cloud_run_v2_service_iam_member.invoker) == 0
    error_message = "A binding that means nothing looks like one that does."
  }
}

run "files_come_from_pinned_versions_and_are_readable_by_this_account_alone" {
  command = plan

  variables {
    files = { settings = { secret = "projects/acme-gateway/secrets/settings", version = "7", directory = "/etc/lockkeeper/settings", file = "settings.yaml" } }
  }

  assert {
    condition     = google_cloud_run_v2_service.main.template[0].volumes[0].secret[0].items[0].version == "7" && google_secret_manager_secret_iam_member.reader["file-settings"].member == "serviceAccount:${var.account}"
    error_message = "The file is another version, or somebody else reads it."
  }
}

run "a_tag_is_no_image" {
  command = plan

  variables {
    image = "europe-west1-docker.pkg.dev/acme-gateway/lockkeeper/approval:latest"
  }

  expect_failures = [var.image]
}

run "everybody_is_no_invoker" {
  command = plan

  variables {
    invokers = { all = "everybody" }
  }

  expect_failures = [var.invokers]
}

run "the_default_account_is_none_of_its_own" {
  command = plan

  variables {
    account = "123456789012-compute@developer.gserviceaccount.com"
  }

  expect_failures = [var.account]
}

run "open_ingress_does_not_exist" {
  command = plan

  variables {
    ingress = "INGRESS_TRAFFIC_ALL"
  }

  expect_failures = [var.ingress]
}

run "latest_is_no_version" {
  command = plan

  variables {
    files = { settings = { secret = "s", version = "latest", directory = "/etc/lockkeeper", file = "settings.yaml" } }
  }

  expect_failures = [var.files]
}

run "a_collector_stands_beside_the_service_and_nobody_reaches_it" {
  command = plan

  variables {
    collector = { image = "europe-west1-docker.pkg.dev/acme-gateway/lockkeeper/collector@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef", secret = "projects/acme-gateway/secrets/collector", version = "2" }
  }

  assert {
    condition     = google_cloud_run_v2_service.main.template[0].containers[1].image == var.collector.image && length(google_cloud_run_v2_service.main.template[0].containers[1].ports) == 0
    error_message = "The collector is not there, or Cloud Run sends it requests."
  }

  assert {
    condition     = google_cloud_run_v2_service.main.template[0].containers[1].args[0] == "--config=/etc/collector/config.yaml" && google_secret_manager_secret_iam_member.reader["file-collector"].secret_id == var.collector.secret
    error_message = "It would start without its configuration."
  }

  assert {
    condition     = google_cloud_run_v2_service.main.template[0].containers[0].ports[0].container_port == 8080 && google_cloud_run_v2_service.main.template[0].containers[0].depends_on == null
    error_message = "The service waits for its collector."
  }
}

run "a_collector_by_tag_is_refused" {
  command = plan

  variables {
    collector = { image = "otel/opentelemetry-collector-contrib:latest", secret = "projects/acme-gateway/secrets/collector", version = "2" }
  }

  expect_failures = [var.collector]
}
