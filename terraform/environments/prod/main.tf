module "lockkeeper" {
  source = "../../modules/suite"

  project_id          = var.project_id
  deployer            = var.deployer
  upstream_project_id = var.upstream_project_id
  region              = var.region
  location            = "EU"
  database_location   = "eur3"
  message_regions     = [var.region, "europe-west4"]
  settings_directory  = "${path.module}/settings"
  images              = var.images
  door                = var.door
  http2               = var.http2
  agent_ranges        = var.agent_ranges
  operator_hosts      = var.operator_hosts
  operator_ranges     = var.operator_ranges
  slack_host          = var.slack_host
  console             = var.console
  approval_url        = var.approval_url
  dns_zone            = var.dns_zone
  secrets             = var.secrets
  rotation_days       = var.rotation_days
  first_rotation      = var.first_rotation
  key_versions        = var.key_versions
  operators           = var.operators
  targets             = var.targets
  guard               = var.guard
  log                 = var.log
  attestors           = var.attestors
  collector_image     = var.collector_image
  alert_emails        = var.alert_emails
  alert_channels      = var.alert_channels
  labels              = { app = "lockkeeper", environment = "prod" }
}
