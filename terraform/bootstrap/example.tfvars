project_id          = "acme-gateway"
upstream_project_id = "acme-gateway-upstream"
guarded             = "folders/480012345678"
organization        = "123456789012"
target_projects     = ["acme-shop"]
deployers           = { platform = "group:platform@acme.example" }
repository          = { name = "acme/gateway", owner_id = "1234567", environment = "prod" }
