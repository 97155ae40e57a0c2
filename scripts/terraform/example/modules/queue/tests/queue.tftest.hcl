mock_provider "google" {
  mock_resource "google_pubsub_topic" {
    defaults = {
      id = "projects/example/topics/queue"
    }
  }
}

variables {
  project_id   = "example"
  access_token = "made up"
}

run "a_topic_is_there" {
  command = plan

  assert {
    condition     = output.topic == google_pubsub_topic.main.id
    error_message = "The topic is another."
  }
}
