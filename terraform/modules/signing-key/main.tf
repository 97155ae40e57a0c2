resource "google_kms_crypto_key" "main" {
  name                       = var.name
  key_ring                   = var.key_ring
  purpose                    = "ASYMMETRIC_SIGN"
  destroy_scheduled_duration = "2592000s" # 30 days in which a destroyed version can be had back.
  labels                     = var.labels

  version_template {
    algorithm        = "EC_SIGN_P256_SHA256"
    protection_level = var.protection_level
  }

  lifecycle {
    prevent_destroy = true
  }
}

resource "google_kms_crypto_key_iam_member" "signer" {
  crypto_key_id = google_kms_crypto_key.main.id
  role          = "roles/cloudkms.signerVerifier"
  member        = "serviceAccount:${var.signer}"
}

resource "google_kms_crypto_key_iam_member" "verifier" {
  for_each = var.verifiers

  crypto_key_id = google_kms_crypto_key.main.id
  role          = "roles/cloudkms.publicKeyViewer"
  member        = "serviceAccount:${each.value}"
}
