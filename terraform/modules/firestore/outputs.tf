output "database" {
  description = "Id of the database, as services' settings name it."
  value       = google_firestore_database.main.name
}

output "index_count" {
  description = "Composite indexes of the database."
  value       = length(google_firestore_index.main)
}

output "expiring" {
  description = "Collections whose documents end by themselves."
  value       = sort([for one in values(local.fields) : one.collectionGroup if one.ttl])
}
