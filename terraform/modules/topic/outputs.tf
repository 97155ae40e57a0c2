output "topic" {
  description = "Full name of the topic."
  value       = google_pubsub_topic.main.id
}

output "subscriptions" {
  description = "Name of each subscription in Pub/Sub, by its id in the topology."
  value       = { for id, one in google_pubsub_subscription.main : id => one.name }
}

output "dead_letters" {
  description = "Name of each subscription's subscription of dead letters."
  value       = { for id, one in google_pubsub_subscription.dead : id => one.name }
}
