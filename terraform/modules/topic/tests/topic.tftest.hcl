mock_provider "google" {
  override_during = plan
}

variables {
  project_id   = "acme-gateway"
  prefix       = "lockkeeper-"
  name         = "locks"
  publishers   = { approval = "lockkeeper-approval@acme-gateway.iam.gserviceaccount.com" }
  consumers    = { notifier = "lockkeeper-notifier@acme-gateway.iam.gserviceaccount.com", audit = "lockkeeper-audit@acme-gateway.iam.gserviceaccount.com" }
  push         = { notifier = { origin = "https://notifier.example", account = "lockkeeper-push-notifier@acme-gateway.iam.gserviceaccount.com" } }
  pubsub_agent = "service-123456789012@gcp-sa-pubsub.iam.gserviceaccount.com"
  regions      = ["europe-west1"]
  subscriptions = [
    {
      id                = "notifier-locks", service = "notifier", mode = "push", pushPath = "/push/notifier-locks", ackDeadlineSeconds = 30
      minBackoffSeconds = 1, maxBackoffSeconds = 60, maxDeliveries = 20, ordered = false, filter = "NOT attributes:x"
      deadLetter        = { topic = "notifier-locks-dead", subscription = "notifier-locks-dead", ackDeadlineSeconds = 90 }
    },
    {
      id                = "audit-locks", service = "audit", mode = "pull", ackDeadlineSeconds = 60
      minBackoffSeconds = 1, maxBackoffSeconds = 60, maxDeliveries = 100, ordered = false, filter = "NOT attributes:x"
      deadLetter        = { topic = "audit-locks-dead", subscription = "audit-locks-dead", ackDeadlineSeconds = 120 }
    },
  ]
}

run "a_push_has_one_account_and_its_own_endpoint_as_audience" {
  command = plan

  assert {
    condition     = google_pubsub_subscription.main["notifier-locks"].push_config[0].oidc_token[0].audience == "https://notifier.example/push/notifier-locks" && google_pubsub_subscription.main["notifier-locks"].push_config[0].oidc_token[0].service_account_email == "lockkeeper-push-notifier@acme-gateway.iam.gserviceaccount.com"
    error_message = "The endpoint would refuse the push."
  }

  assert {
    condition     = length(google_pubsub_subscription.main["audit-locks"].push_config) == 0
    error_message = "What is pulled is pushed."
  }
}

run "every_subscription_has_dead_letters_that_lie_somewhere" {
  command = plan

  assert {
    condition     = toset(keys(google_pubsub_subscription.dead)) == toset(keys(google_pubsub_subscription.main)) && google_pubsub_subscription.main["notifier-locks"].dead_letter_policy[0].max_delivery_attempts == 20
    error_message = "A dead letter would be lost."
  }

  assert {
    condition     = google_pubsub_topic_iam_member.dead_agent["notifier-locks"].role == "roles/pubsub.publisher" && google_pubsub_subscription_iam_member.agent["notifier-locks"].role == "roles/pubsub.subscriber"
    error_message = "Pub/Sub may not bury what a crashing consumer cannot handle."
  }
}

run "no_subscription_expires" {
  command = plan

  assert {
    condition     = alltrue([for one in concat(values(google_pubsub_subscription.main), values(google_pubsub_subscription.dead)) : one.expiration_policy[0].ttl == ""])
    error_message = "A quiet subscription would vanish."
  }
}

run "who_is_pushed_to_pulls_nothing" {
  command = plan

  assert {
    condition     = join(" ", keys(google_pubsub_subscription_iam_member.consumer)) == "audit-locks"
    error_message = "A consumer may pull what it is pushed."
  }
}

run "only_the_named_services_publish" {
  command = plan

  assert {
    condition     = length(google_pubsub_topic_iam_member.publisher) == 1 && google_pubsub_topic_iam_member.publisher["approval"].member == "serviceAccount:lockkeeper-approval@acme-gateway.iam.gserviceaccount.com"
    error_message = "Somebody else publishes."
  }
}

run "a_push_without_a_path_is_refused" {
  command = plan

  variables {
    subscriptions = [{
      id      = "x", service = "notifier", mode = "push", ackDeadlineSeconds = 30, minBackoffSeconds = 1, maxBackoffSeconds = 60, maxDeliveries = 20
      ordered = false, filter = "", deadLetter = { topic = "x-dead", subscription = "x-dead", ackDeadlineSeconds = 90 }
    }]
  }

  expect_failures = [var.subscriptions]
}

run "a_schema_is_avro_or_protocol_buffers" {
  command = plan

  variables {
    schema = { type = "JSON_SCHEMA", definition = "{}", encoding = "JSON" }
  }

  expect_failures = [var.schema]
}
