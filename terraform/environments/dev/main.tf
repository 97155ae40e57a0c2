# Small and cheap, with everything that production has but guards, HSM keys and a second instance.
module "lockkeeper" {
  source = "../../modules/suite"

  project_id         = var.project_id
  deployer           = var.deployer
  region             = var.region
  location           = var.region
  database_location  = var.region
  message_regions    = [var.region]
  settings_directory = "${path.module}/settings"
  images             = var.images
  door               = var.door
  http2              = var.http2
  agent_ranges       = var.agent_ranges
  operator_hosts     = var.operator_hosts
  operator_ranges    = var.operator_ranges
  secrets            = var.secrets
  operators          = var.operators
  targets            = var.targets
  collector_image    = var.collector_image
  alert_emails       = var.alert_emails

  key_protection      = "SOFTWARE"
  deletion_protection = false
  log                 = { retention_days = 7 }
  guard               = { protect_project = false }
  labels              = { app = "lockkeeper", environment = "dev" }

  sizes = {
    proxy    = { cpu = "1", memory = "1Gi", min_instances = 1, max_instances = 2, concurrency = 500 }
    approval = { min_instances = 1, max_instances = 2 }
    audit    = { cpu = "1", memory = "1Gi" }
    notifier = { max_instances = 1 }
  }
}
