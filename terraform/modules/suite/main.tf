data "google_project" "main" {
  project_id = var.project_id
}

data "google_project" "upstream" {
  project_id = local.upstream_project
}

locals {
  infra    = "${path.module}/../../../infra"
  topology = jsondecode(file("${local.infra}/topology.json"))
  prefix   = local.topology.prefix
  number   = data.google_project.main.number

  names = [for service in local.topology.services : service.name]
  # Pub/Sub sends one token in one header, and Cloud Run's own check would take its signature off: these check in code alone.
  pushed = toset([for one in local.topology.subscriptions : one.service if one.mode == "push"])
  inner  = toset([for name in local.names : name if !contains(["proxy", "console"], name)])

  # Known before the service is there, so that settings can name it.
  origins  = { for name in local.names : name => "https://${local.prefix}${name}-${local.number}.${var.region}.run.app" }
  accounts = { for name, account in google_service_account.service : name => account.email }

  upstream_project = coalesce(var.upstream_project_id, var.project_id)
  pubsub_agent     = "service-${local.number}@gcp-sa-pubsub.iam.gserviceaccount.com"
  secret_agent     = "service-${local.number}@gcp-sa-secretmanager.iam.gserviceaccount.com"

  # Each secret has one reader, but for the key of mails' links: the notifier signs them and the console opens them.
  secret_readers = { for name, one in var.secrets : name => name == "mail-links" && var.console != null ? ["notifier", "console"] : [one.service] }

  # The console reads the log as an operator; at the approval service it has a right of its own.
  operators = { for name in local.inner : name => merge({ for account in var.operators[name] : account => account }, name == "audit" && var.console != null ? { console = local.accounts["console"] } : {}) }
}
