locals {
  everybody = "principalSet://goog/public:all"
  upstreams = [for account in google_service_account.upstream : "principal://iam.googleapis.com/projects/-/serviceAccounts/${account.email}"]
  # Google's own agents start instances and sign pushes as accounts of the project.
  agents = flatten([for number in var.service_agent_projects : [
    "principalSet://cloudresourcemanager.googleapis.com/projects/${number}/type/ServiceAgent",
    "principal://iam.googleapis.com/projects/-/serviceAccounts/${number}@cloudservices.gserviceaccount.com",
  ]])
}

# Even an owner of the project gets no token of an upstream account. The allow side above is one binding; this is the second lock.
resource "google_iam_deny_policy" "tokens" {
  count = var.project_id == var.gateway_project_id ? 0 : 1

  parent       = urlencode("cloudresourcemanager.googleapis.com/projects/${var.project_id}")
  name         = "lockkeeper-upstream-tokens"
  display_name = "Only the proxy acts as an upstream account"

  rules {
    description = "Tokens, signatures and keys of upstream accounts, and machines that run as them."

    deny_rule {
      denied_principals    = [local.everybody]
      exception_principals = ["principal://iam.googleapis.com/projects/-/serviceAccounts/${var.proxy_account}"]
      denied_permissions = [
        # A machine or a service that runs as an account hands its tokens to whoever is on it.
        "iam.googleapis.com/serviceAccounts.actAs",
        "iam.googleapis.com/serviceAccounts.getAccessToken",
        "iam.googleapis.com/serviceAccounts.getOpenIdToken",
        "iam.googleapis.com/serviceAccounts.implicitDelegation",
        "iam.googleapis.com/serviceAccounts.signBlob",
        "iam.googleapis.com/serviceAccounts.signJwt",
        "iam.googleapis.com/serviceAccountKeys.create",
      ]
    }
  }
}

# Changes in the guarded place pass the gateway or do not happen, whatever roles somebody has there.
resource "google_iam_deny_policy" "changes" {
  count = var.guarded == null ? 0 : 1

  parent       = urlencode("cloudresourcemanager.googleapis.com/${var.guarded}")
  name         = "lockkeeper-changes"
  display_name = "Risky changes through the gateway alone"

  rules {
    description = "What is risky is for upstream accounts and for the named exceptions."

    deny_rule {
      denied_principals    = [local.everybody]
      exception_principals = concat(local.upstreams, local.agents, var.exceptions)
      denied_permissions   = var.guarded_permissions
    }
  }
}

resource "google_resource_manager_lien" "gateway" {
  count = var.protect_project ? 1 : 0

  parent       = "projects/${var.gateway_project_id}"
  restrictions = ["resourcemanager.projects.delete"]
  origin       = "lockkeeper"
  reason       = "Every agent's way to Google Cloud, and the log of what they did."
}
