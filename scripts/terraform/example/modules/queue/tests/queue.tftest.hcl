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
  consumers    = { door = { account = "door@example.iam.gserviceaccount.com", address = "https://door.example" } }
}

run "a_topic_is_there" {
  command = apply

  assert {
    condition     = output.topic == google_pubsub_topic.main.id
    error_message = "The topic is another."
  }
}
