module "settings" {
  source = "../settings"

  project_id         = var.project_id
  own                = { for name in local.names : name => file("${var.settings_directory}/${name}.yaml") }
  databases          = { for name in concat(tolist(local.inner), ["console"]) : name => module.database[name].database }
  buckets            = { bundles = module.bundles.name, receipts = module.receipts.name, log = module.evidence.bucket }
  keys               = { for name, key in module.signing_key : name => key.trusted }
  secrets            = { for service in ["proxy", "approval", "notifier", "console"] : service => { for name, one in var.secrets : name => { secret = module.secret[name].id, version = one.version } if contains(local.secret_readers[name], service) } }
  origins            = { for name in local.inner : name => local.origins[name] }
  pushers            = { for name, account in google_service_account.pusher : name => account.email }
  proxy_account      = local.accounts["proxy"]
  operators          = { for name, accounts in local.operators : name => values(accounts) }
  collector_url      = var.collector_image == null ? null : "http://127.0.0.1:4318"
  people_path        = "${local.directory}/people/people.yaml"
  door               = var.door
  console            = var.console == null ? null : { origin = "https://${var.console.host}", account = local.accounts["console"], iap_audience = var.console.iap_audience }
  approval_url       = var.approval_url
  protected_projects = distinct([var.project_id, local.number, local.upstream_project, data.google_project.upstream.number])
  targets            = var.targets_in_settings ? module.identity.targets : []
}

# Settings are no secrets; Secret Manager is how a file gets into a container, version by version.
module "settings_file" {
  source   = "../secret"
  for_each = toset(local.names)

  project_id    = var.project_id
  name          = "${local.prefix}settings-${each.value}"
  locations     = var.message_regions
  settings_text = module.settings.files[each.value]
  labels        = var.labels
}

module "people_file" {
  source = "../secret"

  project_id    = var.project_id
  name          = "${local.prefix}people"
  locations     = var.message_regions
  settings_text = file("${var.settings_directory}/people.yaml")
  labels        = var.labels
}

module "collector_file" {
  source = "../secret"
  count  = var.collector_image == null ? 0 : 1

  project_id    = var.project_id
  name          = "${local.prefix}collector"
  locations     = var.message_regions
  settings_text = file("${local.infra}/collector/collector.yaml")
  labels        = var.labels
}
