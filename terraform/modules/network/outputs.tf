output "network" {
  description = "Full name of the network."
  value       = google_compute_network.main.id
}

output "subnetwork" {
  description = "Full name of the subnetwork."
  value       = google_compute_subnetwork.main.id
}
