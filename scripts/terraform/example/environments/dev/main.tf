variable "access_token" {
  description = "Comes from outside."
  type        = string
  sensitive   = true
}

module "queue" {
  source = "../../modules/queue"
  count  = 1

  project_id   = "example"
  access_token = var.access_token
}

output "topic" {
  description = "Full name of the topic."
  value       = module.queue[0].topic
}
