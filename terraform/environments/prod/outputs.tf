output "address" {
  description = "Address of the edge; null before the proxy is deployed."
  value       = module.lockkeeper.address
}

output "records" {
  description = "DNS records that must exist."
  value       = module.lockkeeper.records
}

output "iap_audience" {
  description = "Audience of Identity-Aware Proxy's assertions for the console; null before its backend is there."
  value       = module.lockkeeper.iap_audience
}

output "origins" {
  description = "Address of each inner service: the audience of operators' tokens."
  value       = module.lockkeeper.origins
}

output "secrets" {
  description = "Secrets whose values are added by hand."
  value       = module.lockkeeper.secrets
}

output "upstream_accounts" {
  description = "Upstream accounts by target and tier."
  value       = module.lockkeeper.upstream_accounts
}

output "log_bucket" {
  description = "Bucket of the log."
  value       = module.lockkeeper.log_bucket
}

output "guards" {
  description = "Which of the guards that make the gateway unavoidable are on."
  value       = module.lockkeeper.guards
}

# Said with every plan, and no fault: the guards come one after the other, as the installation's runbook says.
check "unavoidable" {
  assert {
    condition     = module.lockkeeper.guards.tokens_denied && module.lockkeeper.guards.changes_denied && module.lockkeeper.guards.organization_rules
    error_message = "There is a way around the gateway: not every guard is on. docs/runbooks/install.md, step 11, has their order; the output guards says which are."
  }
}
