project_id = "acme-gateway-dev"
deployer   = "lockkeeper-deployer@acme-gateway-dev.iam.gserviceaccount.com"
door       = "gw.dev.acme.example"

secrets = {
  session-key   = { service = "proxy", version = 1 }
  receipt-key   = { service = "approval", version = 1 }
  slack-signing = { service = "approval", version = 1 }
  slack-token   = { service = "notifier", version = 1 }
}

operators = {
  policy   = ["lk-policy@acme-gateway-dev.iam.gserviceaccount.com"]
  approval = ["lk-oncall@acme-gateway-dev.iam.gserviceaccount.com"]
  audit    = ["lk-auditor@acme-gateway-dev.iam.gserviceaccount.com"]
  notifier = ["lk-oncall@acme-gateway-dev.iam.gserviceaccount.com"]
}

targets = {
  google = {
    hosts = ["*.googleapis.com"]
    tier  = "change"
    tiers = {
      read   = { roles = { acme-shop-dev = ["roles/storage.objectViewer", "roles/compute.viewer"] } }
      change = { roles = { acme-shop-dev = ["roles/storage.objectAdmin", "roles/compute.instanceAdmin.v1"] } }
    }
  }
}

alert_emails = ["platform@acme.example"]
