output "accounts" {
  description = "Address of each upstream account, by target and tier."
  value       = { for key, account in google_service_account.upstream : key => account.email }
}

output "targets" {
  description = "Targets as the proxy's settings have them: each with the account of the tier in use."
  value = [for name, target in var.targets : {
    name    = name
    hosts   = target.hosts
    account = google_service_account.upstream["${name}-${target.tier}"].email
  }]
}

output "guards" {
  description = "Which of the guards that make the gateway unavoidable are on."
  value = {
    proxy_alone_acts   = true
    tokens_denied      = length(google_iam_deny_policy.tokens) > 0
    changes_denied     = length(google_iam_deny_policy.changes) > 0
    organization_rules = var.organization_rules
    perimeter          = try(var.perimeter.enforced, false)
    project_protected  = var.protect_project
  }
}
