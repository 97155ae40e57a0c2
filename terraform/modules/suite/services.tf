locals {
  defaults = {
    proxy    = { cpu = "2", memory = "2Gi", min_instances = 2, max_instances = 20, concurrency = 1000, timeout = 3600 }
    policy   = { cpu = "1", memory = "1Gi", min_instances = 1, max_instances = 2, concurrency = 80, timeout = 120 }
    approval = { cpu = "1", memory = "1Gi", min_instances = 2, max_instances = 10, concurrency = 250, timeout = 60 }
    audit    = { cpu = "2", memory = "2Gi", min_instances = 1, max_instances = 1, concurrency = 80, timeout = 300 }
    notifier = { cpu = "1", memory = "512Mi", min_instances = 1, max_instances = 4, concurrency = 80, timeout = 60 }
    console  = { cpu = "1", memory = "512Mi", min_instances = 1, max_instances = 4, concurrency = 250, timeout = 3600 }
  }

  sizes = { for name in local.names : name => merge(
    local.defaults[name],
    { for key, value in try(var.sizes[name], {}) : key => value if value != null },
    # The log has one owner: a second only costs work.
    name == "audit" ? { min_instances = 1, max_instances = 1 } : {},
  ) }

  # Behind the load balancer; the others are asked from within alone.
  public = toset(concat(["proxy", "console"], keys(var.operator_hosts), var.slack_host == null ? [] : ["notifier"]))
  people = ["proxy", "approval", "notifier", "console"]

  directory = "/etc/lockkeeper"
}

# They are there before the services: rights and settings name them.
resource "google_service_account" "service" {
  for_each = toset(local.names)

  project      = var.project_id
  account_id   = "${local.prefix}${each.value}"
  display_name = "Lockkeeper: ${each.value}"
  description  = "The account that this one service runs as. It has no keys."
}

module "service" {
  source   = "../service"
  for_each = var.images

  project_id           = var.project_id
  region               = var.region
  name                 = "${local.prefix}${each.key}"
  account              = local.accounts[each.key]
  image                = each.value
  ingress              = contains(local.public, each.key) ? "INGRESS_TRAFFIC_INTERNAL_LOAD_BALANCER" : "INGRESS_TRAFFIC_INTERNAL_ONLY"
  check_invoker        = each.key != "proxy" && !contains(local.pushed, each.key) # edge: these check every token themselves.
  invokers             = contains(local.inner, each.key) ? { for key, account in local.operators[each.key] : key => "serviceAccount:${account}" } : {}
  custom_audiences     = [local.origins[each.key]]
  http2                = each.key == "proxy" && var.http2
  cpu                  = local.sizes[each.key].cpu
  memory               = local.sizes[each.key].memory
  min_instances        = local.sizes[each.key].min_instances
  max_instances        = local.sizes[each.key].max_instances
  concurrency          = local.sizes[each.key].concurrency
  timeout_seconds      = local.sizes[each.key].timeout
  cpu_always           = true
  binary_authorization = length(var.attestors) > 0
  deletion_protection  = var.deletion_protection
  labels               = var.labels

  # These ask inner services, whose ingress wants a request from within.
  network = contains(["proxy", "console"], each.key) ? { network = module.network.network, subnetwork = module.network.subnetwork } : null

  env = { LOCKKEEPER_CONFIG = "${local.directory}/settings/settings.yaml" }

  collector = var.collector_image == null ? null : { image = var.collector_image, secret = module.collector_file[0].id, version = module.collector_file[0].version }

  files = merge(
    { settings = { secret = module.settings_file[each.key].id, version = module.settings_file[each.key].version, directory = "${local.directory}/settings", file = "settings.yaml" } },
    contains(local.people, each.key) ? { people = { secret = module.people_file.id, version = module.people_file.version, directory = "${local.directory}/people", file = "people.yaml" } } : {},
  )
}

# What the collector needs to hand on what it takes; it runs as the service beside it.
resource "google_project_iam_member" "telemetry" {
  for_each = var.collector_image == null ? {} : merge([for name, account in local.accounts : {
    for role in ["roles/cloudtrace.agent", "roles/monitoring.metricWriter"] : "${name} ${role}" => { account = account, role = role }
  }]...)

  project = var.project_id
  role    = each.value.role
  member  = "serviceAccount:${each.value.account}"
}

module "network" {
  source = "../network"

  project_id = var.project_id
  region     = var.region
  name       = "${local.prefix}gateway"
  range      = var.network_range
}

resource "google_binary_authorization_policy" "main" {
  count = length(var.attestors) == 0 ? 0 : 1

  project                       = var.project_id
  description                   = "Only images that somebody vouches for."
  global_policy_evaluation_mode = "ENABLE"

  default_admission_rule {
    evaluation_mode         = "REQUIRE_ATTESTATION"
    enforcement_mode        = "ENFORCED_BLOCK_AND_AUDIT_LOG"
    require_attestations_by = var.attestors
  }
}
