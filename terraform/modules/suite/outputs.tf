output "address" {
  description = "Address of the edge; null before the proxy is deployed."
  value       = one(module.edge[*].address)
}

output "records" {
  description = "DNS records that must exist."
  value       = try(module.edge[0].records, [])
}

output "iap_audience" {
  description = "Audience of Identity-Aware Proxy's assertions for the console; null before its backend is there."
  value       = try(module.edge[0].iap_audiences["console"], null)
}

output "origins" {
  description = "Address of each inner service: the audience of operators' tokens."
  value       = { for name in local.inner : name => local.origins[name] }
}

output "accounts" {
  description = "Account of each service."
  value       = local.accounts
}

output "upstream_accounts" {
  description = "Upstream accounts by target and tier, for published targets."
  value       = module.identity.accounts
}

output "secrets" {
  description = "Secrets whose values are added by hand."
  value       = { for name, one in module.secret : name => one.name }
}

output "log_bucket" {
  description = "Bucket of the log."
  value       = module.evidence.bucket
}

output "guards" {
  description = "Which of the guards that make the gateway unavoidable are on."
  value       = module.identity.guards
}

output "alerts" {
  description = "Names of all alerts."
  value       = module.observability.alerts
}

output "settings" {
  description = "Settings file of each service, to be looked at; none of it is secret."
  value       = module.settings.files
}
