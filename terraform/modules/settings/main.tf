locals {
  own  = { for service, text in var.own : service => yamldecode(text) }
  page = var.approval_url == null ? {} : { approvalUrl = var.approval_url }

  common = { for service, kind in { proxy = "Proxy", policy = "Policy", approval = "Approval", audit = "Audit", notifier = "Notifier", console = "Console" } : service => {
    apiVersion = "lockkeeper.dev/v1"
    kind       = kind
    mode       = "real"
    project    = var.project_id
  } }

  # The share of traces is the environment's; where they go is Terraform's.
  telemetry = { for service, own in local.own : service => var.collector_url == null ? {} : { telemetry = merge(try(own.telemetry, {}), { otlp = var.collector_url }) } }

  operators = { for service, accounts in var.operators : service => { operators = { audience = var.origins[service], allowed = accounts } } }
  pushers   = { for service, account in var.pushers : service => { pusher = { origin = var.origins[service], account = account } } }
  secrets   = { for service, secrets in var.secrets : service => { secrets = { secretManager = secrets } } }
  # Mails' links open at the console where both have their key.
  links    = contains(keys(lookup(var.secrets, "notifier", {})), "mail-links") && contains(keys(lookup(var.secrets, "console", {})), "mail-links") ? { mailLinkKey = "mail-links" } : {}
  versions = { for key, names in var.keys : key => [for name in names : { kms = name }] }

  targets = length(var.targets) == 0 ? {} : { targets = [for target in var.targets : {
    name       = target.name
    hosts      = target.hosts
    credential = { impersonate = target.account, lifetime = "${var.token_minutes}m", downscope = true }
  }] }

  # It asks in the name of the person that it signed in; that is a right of its own at the approval service, an operator's elsewhere.
  console_caller = var.console == null ? {} : { console = var.console.account }
  console_iap    = try(var.console.iap_audience, null) == null ? {} : { iap = { audience = var.console.iap_audience } }
  console_parts = { for key, value in {
    database        = var.databases.console
    origin          = try(var.console.origin, null)
    people          = var.people_path
    approverIssuers = try(local.own["approval"].approverIssuers, [])
    services        = { approval = var.origins.approval, audit = var.origins.audit }
    identity        = { metadata = true }
  } : key => value if var.console != null }

  proxy = merge(local.own["proxy"], local.common["proxy"], local.telemetry["proxy"], local.page, local.targets, {
    databases  = { policy = var.databases.policy, approval = var.databases.approval }
    blobs      = { bucket = var.buckets.bundles }
    signer     = local.versions["proxy"][0]
    policyKeys = local.versions["policy"]
    secrets    = { secretManager = var.secrets["proxy"] }
    approval   = { origin = var.origins.approval }
    identity   = { metadata = true }
    doors      = { path = true, domain = var.door }
    people     = var.people_path
    protected  = { projects = var.protected_projects }
  })

  policy = merge(local.own["policy"], local.common["policy"], local.telemetry["policy"], local.operators["policy"], {
    database    = var.databases.policy
    blobs       = { bucket = var.buckets.bundles }
    signer      = local.versions["policy"][0]
    trustedKeys = slice(local.versions["policy"], 1, length(local.versions["policy"]))
  })

  approval = merge(local.own["approval"], local.common["approval"], local.telemetry["approval"], local.operators["approval"], local.pushers["approval"], local.secrets["approval"], local.console_caller, {
    database = var.databases.approval
    blobs    = { bucket = var.buckets.receipts }
    people   = var.people_path
    proxies  = { audience = var.origins.approval, allowed = [var.proxy_account] }
  })

  audit = merge(local.own["audit"], local.common["audit"], local.telemetry["audit"], local.operators["audit"], local.pushers["audit"], {
    database   = var.databases.audit
    blobs      = { bucket = var.buckets.log }
    signer     = local.versions["audit"][0]
    logKeys    = slice(local.versions["audit"], 1, length(local.versions["audit"]))
    writerKeys = local.versions["proxy"]
  })

  notifier = merge(local.own["notifier"], local.links, local.common["notifier"], local.telemetry["notifier"], local.page, local.operators["notifier"], local.pushers["notifier"], local.secrets["notifier"], {
    database = var.databases.notifier
    people   = var.people_path
  })

  console = merge(local.own["console"], local.links, local.common["console"], local.telemetry["console"], local.console_iap, local.console_parts, length(lookup(var.secrets, "console", {})) == 0 ? {} : local.secrets["console"])
}
