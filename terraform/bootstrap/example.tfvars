project_id          = "acme-gateway"
upstream_project_id = "acme-gateway-upstream"
guarded             = "folders/480012345678"
organization        = "123456789012"
target_projects     = ["acme-shop"]
upstream_roles      = ["roles/storage.objectViewer", "roles/storage.objectAdmin", "roles/compute.viewer", "roles/compute.instanceAdmin.v1", "roles/bigquery.jobUser", "roles/bigquery.dataViewer", "roles/bigquery.dataEditor"]
deployers           = { platform = "group:platform@acme.example" }
repository          = { name = "acme/gateway", owner_id = "1234567", environment = "prod" }
