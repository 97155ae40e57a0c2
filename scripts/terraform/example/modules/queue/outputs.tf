output "topic" {
  description = "Full name of the topic."
  value       = google_pubsub_topic.main.id
}

output "subscriptions" {
  description = "Names of the subscriptions."
  value       = [for one in google_pubsub_subscription.main : one.name]
}
