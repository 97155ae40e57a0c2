module "identity" {
  source = "../identity"

  project_id             = local.upstream_project
  gateway_project_id     = var.project_id
  proxy_account          = local.accounts["proxy"]
  targets                = var.targets
  guarded                = var.guard.guarded
  exceptions             = concat(["principal://iam.googleapis.com/projects/-/serviceAccounts/${var.deployer}"], var.guard.exceptions)
  service_agent_projects = var.guard.service_agent_projects
  organization_rules     = var.guard.organization_rules
  customer_ids           = var.guard.customer_ids
  perimeter              = var.guard.perimeter
  protect_project        = var.guard.protect_project
}

locals {
  routes = merge(
    { for service, host in var.operator_hosts : service => { service = "${local.prefix}${service}", host = host, paths = ["/v1/*"], ranges = var.operator_ranges, iap = false } if contains(keys(var.images), service) },
    var.slack_host == null || !contains(keys(var.images), "notifier") ? {} : { slack = { service = "${local.prefix}notifier", host = var.slack_host, paths = ["/slack/interactivity"], ranges = ["*"], iap = false } },
    var.console == null || !contains(keys(var.images), "console") ? {} : { console = { service = "${local.prefix}console", host = var.console.host, paths = ["/*"], ranges = ["*"], iap = true } },
  )
}

module "edge" {
  source = "../edge"
  count  = contains(keys(var.images), "proxy") ? 1 : 0

  project_id          = var.project_id
  region              = var.region
  name                = "${local.prefix}edge"
  door                = var.door
  project_number      = local.number
  proxy_service       = module.service["proxy"].name
  routes              = local.routes
  agent_ranges        = var.agent_ranges
  requests_per_minute = var.requests_per_minute
  dns_zone            = var.dns_zone
  labels              = var.labels
}

module "console" {
  source = "../console"
  count  = contains(keys(local.routes), "console") ? 1 : 0

  project_id      = var.project_id
  project_number  = local.number
  region          = var.region
  service         = module.service["console"].name
  backend_service = module.edge[0].backends["console"]
  people          = var.console.people
}

module "observability" {
  source = "../observability"

  project_id    = var.project_id
  region        = var.region
  prefix        = local.prefix
  services      = toset(keys(var.images))
  subscriptions = [for one in local.topology.subscriptions : { id = one.id, service = one.service, dead_letters = one.deadLetter.subscription }]
  emails        = var.alert_emails
  channels      = var.alert_channels
  # Google asks from its own networks: where those may not come there is nothing to be learnt.
  host              = contains(keys(var.images), "proxy") && contains(var.agent_ranges, "*") ? var.door : null
  upstream_accounts = values(module.identity.accounts)
  deployer          = var.deployer
  proxy_account     = local.accounts["proxy"]
  log_bucket        = module.evidence.bucket
  secret_events     = google_pubsub_subscription.secret_events.name
  own_metrics       = var.collector_image != null
  availability_goal = var.availability_goal
}
