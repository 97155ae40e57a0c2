mock_provider "google" {
  override_during = plan

  mock_resource "google_kms_crypto_key" {
    defaults = {
      id = "projects/p/locations/l/keyRings/r/cryptoKeys/audit"
    }
  }
}

variables {
  key_ring = "projects/p/locations/l/keyRings/r"
  name     = "audit"
  signer   = "lockkeeper-audit@acme-gateway.iam.gserviceaccount.com"
}

run "the_algorithm_is_the_one_that_the_adapter_speaks" {
  command = plan

  assert {
    condition     = google_kms_crypto_key.main.version_template[0].algorithm == "EC_SIGN_P256_SHA256" && google_kms_crypto_key.main.purpose == "ASYMMETRIC_SIGN"
    error_message = "Services could not sign."
  }
}

run "one_signs_and_others_only_read_the_public_key" {
  command = plan

  variables {
    verifiers = { proxy = "lockkeeper-proxy@acme-gateway.iam.gserviceaccount.com" }
  }

  assert {
    condition     = google_kms_crypto_key_iam_member.signer.member == "serviceAccount:${var.signer}" && google_kms_crypto_key_iam_member.verifier["proxy"].role == "roles/cloudkms.publicKeyViewer"
    error_message = "Somebody else may sign."
  }
}

run "the_version_that_signs_comes_first" {
  command = plan

  variables {
    key_version      = 3
    trusted_versions = [1, 2]
  }

  assert {
    condition     = [for name in output.trusted : basename(name)] == ["3", "1", "2"] && basename(output.version) == "3"
    error_message = "An old version would sign."
  }
}

run "what_signs_is_not_among_the_old" {
  command = plan

  variables {
    key_version      = 2
    trusted_versions = [2]
  }

  expect_failures = [var.trusted_versions]
}
