locals {
  agent = "service-${var.project_number}@gcp-sa-iap.iam.gserviceaccount.com"
}

# Identity-Aware Proxy calls the service in its own name, and nobody else may.
resource "google_cloud_run_v2_service_iam_member" "iap" {
  project  = var.project_id
  location = var.region
  name     = var.service
  role     = "roles/run.invoker"
  member   = "serviceAccount:${local.agent}"
}

resource "google_iap_web_backend_service_iam_member" "person" {
  for_each = var.people

  project             = var.project_id
  web_backend_service = var.backend_service
  role                = "roles/iap.httpsResourceAccessor"
  member              = each.value
}

resource "google_iap_settings" "main" {
  name = "projects/${var.project_number}/iap_web/compute/services/${var.backend_service}"

  access_settings {
    reauth_settings {
      method      = "LOGIN"
      max_age     = "${var.session_seconds}s"
      policy_type = "MINIMUM"
    }
  }
}
