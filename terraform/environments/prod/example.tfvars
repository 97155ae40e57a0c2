project_id          = "acme-gateway"
upstream_project_id = "acme-gateway-upstream"
deployer            = "lockkeeper-deployer@acme-gateway.iam.gserviceaccount.com"
door                = "gw.acme.example"
slack_host          = "slack-clicks.acme.example"
approval_url        = "https://console.acme.example/a/{id}"
first_rotation      = "2027-02-22T09:00:00Z"
dns_zone            = { project_id = "acme-dns", name = "acme-example" }

console = {
  host   = "console.acme.example"
  people = { approvers = "group:approvers@acme.example", auditors = "group:auditors@acme.example" }
}

operator_hosts = {
  policy   = "policy.ops.acme.example"
  approval = "approval.ops.acme.example"
  audit    = "audit.ops.acme.example"
  notifier = "notifier.ops.acme.example"
}
operator_ranges = ["198.51.100.0/24"]

secrets = {
  session-key   = { service = "proxy", version = 1 }
  receipt-key   = { service = "approval", version = 1 }
  slack-signing = { service = "approval", version = 1 }
  slack-token   = { service = "notifier", version = 1 }
  console-oidc  = { service = "console", version = 1 }
  mail-links    = { service = "notifier", version = 1 }
}

operators = {
  policy   = ["lk-policy@acme-gateway.iam.gserviceaccount.com"]
  approval = ["lk-oncall@acme-gateway.iam.gserviceaccount.com"]
  audit    = ["lk-auditor@acme-gateway.iam.gserviceaccount.com"]
  notifier = ["lk-oncall@acme-gateway.iam.gserviceaccount.com"]
}

targets = {
  google = {
    hosts = ["*.googleapis.com"]
    tier  = "change"
    tiers = {
      read   = { roles = { acme-shop = ["roles/storage.objectViewer", "roles/compute.viewer", "roles/bigquery.jobUser", "roles/bigquery.dataViewer"] } }
      change = { roles = { acme-shop = ["roles/storage.objectAdmin", "roles/compute.instanceAdmin.v1", "roles/bigquery.jobUser", "roles/bigquery.dataEditor"] } }
    }
  }
}

guard = {
  guarded                = "folders/480012345678"
  exceptions             = ["principalSet://goog/group/platform-emergency@acme.example", "principal://iam.googleapis.com/projects/-/serviceAccounts/infra-pipeline@acme-infra.iam.gserviceaccount.com"]
  service_agent_projects = ["480087654321"]
  customer_ids           = ["C01234567"]
  perimeter = {
    access_policy = "987654321098"
    projects      = ["projects/480087654321"]
    services      = ["storage.googleapis.com", "bigquery.googleapis.com"]
  }
}

log = {
  retention_days = 400
  lock           = false
  readers        = { collector = "serviceAccount:log-collector@acme-audit.iam.gserviceaccount.com" }
}

alert_emails = ["platform@acme.example", "security@acme.example"]
