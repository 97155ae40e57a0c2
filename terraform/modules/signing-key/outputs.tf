output "version" {
  description = "Full name of the version that signs: the keyId of all that it signs."
  value       = "${google_kms_crypto_key.main.id}/cryptoKeyVersions/${var.key_version}"
}

output "trusted" {
  description = "Full names of all versions whose signatures count, the one that signs first."
  value       = [for number in concat([var.key_version], var.trusted_versions) : "${google_kms_crypto_key.main.id}/cryptoKeyVersions/${number}"]
}
