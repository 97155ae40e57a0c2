locals {
  files = merge(var.files, var.collector == null ? {} : {
    collector = { secret = var.collector.secret, version = var.collector.version, directory = "/etc/collector", file = "config.yaml" }
  })
}

resource "google_cloud_run_v2_service" "main" {
  project              = var.project_id
  location             = var.region
  name                 = var.name
  description          = "Lockkeeper: ${var.name}"
  ingress              = var.ingress
  invoker_iam_disabled = !var.check_invoker # edge: as the caller says; modules/suite is the only one that does.
  custom_audiences     = var.custom_audiences
  deletion_protection  = var.deletion_protection
  labels               = var.labels

  dynamic "binary_authorization" {
    for_each = var.binary_authorization ? [true] : []

    content {
      use_default = binary_authorization.value
    }
  }

  template {
    service_account                  = var.account
    execution_environment            = "EXECUTION_ENVIRONMENT_GEN2"
    max_instance_request_concurrency = var.concurrency
    timeout                          = "${var.timeout_seconds}s"

    scaling {
      min_instance_count = var.min_instances
      max_instance_count = var.max_instances
    }

    dynamic "vpc_access" {
      for_each = var.network == null ? [] : [var.network]

      content {
        # Only what comes through the network counts as internal, also on its way to another service's public name.
        egress = "ALL_TRAFFIC"

        network_interfaces {
          network    = vpc_access.value.network
          subnetwork = vpc_access.value.subnetwork
        }
      }
    }

    dynamic "volumes" {
      for_each = local.files

      content {
        name = volumes.key

        secret {
          secret       = volumes.value.secret
          default_mode = 292 # 0444: the container runs as nobody in particular.

          items {
            version = volumes.value.version
            path    = volumes.value.file
          }
        }
      }
    }

    containers {
      name  = var.collector == null ? null : "service"
      image = var.image

      ports {
        name           = var.http2 ? "h2c" : "http1"
        container_port = var.port
      }

      resources {
        cpu_idle          = !var.cpu_always
        startup_cpu_boost = true

        limits = {
          cpu    = var.cpu
          memory = var.memory
        }
      }

      dynamic "env" {
        for_each = var.env

        content {
          name  = env.key
          value = env.value
        }
      }

      dynamic "env" {
        for_each = var.secret_env

        content {
          name = env.key

          value_source {
            secret_key_ref {
              secret  = env.value.secret
              version = env.value.version
            }
          }
        }
      }

      dynamic "volume_mounts" {
        for_each = var.files

        content {
          name       = volume_mounts.key
          mount_path = volume_mounts.value.directory
        }
      }

      startup_probe {
        failure_threshold = 12
        period_seconds    = 5
        timeout_seconds   = 3

        http_get {
          path = "/healthz"
          port = var.port
        }
      }

      liveness_probe {
        failure_threshold = 3
        period_seconds    = 10
        timeout_seconds   = 3

        http_get {
          path = "/healthz"
          port = var.port
        }
      }
    }

    # Traces and metrics go to it on loopback. The service does not wait for it: without a collector calls go on, and what is not taken is dropped.
    dynamic "containers" {
      for_each = var.collector == null ? [] : [var.collector]

      content {
        name  = "collector"
        image = containers.value.image
        args  = ["--config=${local.files["collector"].directory}/${local.files["collector"].file}"]

        resources {
          cpu_idle = !var.cpu_always

          limits = {
            cpu    = "1"
            memory = "512Mi"
          }
        }

        volume_mounts {
          name       = "collector"
          mount_path = local.files["collector"].directory
        }
      }
    }
  }

  traffic {
    type    = "TRAFFIC_TARGET_ALLOCATION_TYPE_LATEST"
    percent = 100
  }

  depends_on = [google_secret_manager_secret_iam_member.reader]
}

resource "google_cloud_run_v2_service_iam_member" "invoker" {
  for_each = var.check_invoker ? var.invokers : {}

  project  = var.project_id
  location = google_cloud_run_v2_service.main.location
  name     = google_cloud_run_v2_service.main.name
  role     = "roles/run.invoker"
  member   = each.value
}

# What Cloud Run itself reads for the service at start.
resource "google_secret_manager_secret_iam_member" "reader" {
  for_each = merge(
    { for name, file in local.files : "file-${name}" => file.secret },
    { for name, one in var.secret_env : "env-${name}" => one.secret },
  )

  project   = var.project_id
  secret_id = each.value
  role      = "roles/secretmanager.secretAccessor"
  member    = "serviceAccount:${var.account}"
}
