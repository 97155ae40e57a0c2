output "address" {
  description = "Address that all names lead to."
  value       = google_compute_global_address.main.address
}

output "records" {
  description = "DNS records that must exist: names of the door and of routes, and the proofs for their certificates."
  value       = values(local.records)
}

output "backends" {
  description = "Name of the backend service of each route, which Identity-Aware Proxy's members are bound to."
  value       = { for name, one in google_compute_backend_service.main : name => one.name }
}

output "iap_audiences" {
  description = "Audience of Identity-Aware Proxy's assertions for each route that it guards."
  value       = { for name, one in google_compute_backend_service.main : name => "/projects/${var.project_number}/global/backendServices/${one.generated_id}" if local.backends[name].iap }
}
