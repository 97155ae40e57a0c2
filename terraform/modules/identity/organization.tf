locals {
  rules_parent = var.organization_rules ? toset([var.guarded]) : toset([])
  # Without these an agent that was given a role by mistake could make itself a way out that nobody takes back.
  switches = var.organization_rules ? toset([
    "iam.managed.disableServiceAccountKeyCreation",
    "iam.managed.disableServiceAccountKeyUpload",
    "storage.publicAccessPrevention",
    "storage.uniformBucketLevelAccess",
  ]) : toset([])
}

resource "google_org_policy_policy" "enforced" {
  for_each = local.switches

  parent = var.guarded
  name   = "${var.guarded}/policies/${each.value}"

  spec {
    rules {
      enforce = "TRUE"
    }
  }
}

resource "google_org_policy_policy" "members" {
  for_each = local.rules_parent

  parent = each.value
  name   = "${each.value}/policies/iam.allowedPolicyMemberDomains"

  spec {
    rules {
      values {
        allowed_values = var.customer_ids
      }
    }
  }
}

resource "google_org_policy_policy" "ingress" {
  for_each = local.rules_parent

  parent = each.value
  name   = "${each.value}/policies/run.allowedIngress"

  spec {
    rules {
      values {
        allowed_values = ["internal", "internal-and-cloud-load-balancing"]
      }
    }
  }
}

resource "google_access_context_manager_service_perimeter" "guarded" {
  count = var.perimeter == null ? 0 : 1

  parent                    = "accessPolicies/${var.perimeter.access_policy}"
  name                      = "accessPolicies/${var.perimeter.access_policy}/servicePerimeters/lockkeeper_guarded"
  title                     = "lockkeeper_guarded"
  description               = "What agents reach through the gateway, and nobody from outside otherwise."
  use_explicit_dry_run_spec = !var.perimeter.enforced

  dynamic "status" {
    for_each = var.perimeter.enforced ? [var.perimeter] : []

    content {
      resources           = status.value.projects
      restricted_services = status.value.services

      ingress_policies {
        title = "upstream accounts and named identities"

        ingress_from {
          identities = concat([for account in google_service_account.upstream : "serviceAccount:${account.email}"], status.value.identities)

          sources {
            access_level = "*"
          }
        }

        ingress_to {
          resources = ["*"]

          operations {
            service_name = "*"
          }
        }
      }
    }
  }

  # Not enforced it only says what it would refuse, in the audit log.
  dynamic "spec" {
    for_each = var.perimeter.enforced ? [] : [var.perimeter]

    content {
      resources           = spec.value.projects
      restricted_services = spec.value.services

      ingress_policies {
        title = "upstream accounts and named identities"

        ingress_from {
          identities = concat([for account in google_service_account.upstream : "serviceAccount:${account.email}"], spec.value.identities)

          sources {
            access_level = "*"
          }
        }

        ingress_to {
          resources = ["*"]

          operations {
            service_name = "*"
          }
        }
      }
    }
  }
}
