output "agent" {
  description = "Account in whose name Identity-Aware Proxy calls the console."
  value       = local.agent
}
