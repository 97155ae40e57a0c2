locals {
  tiers = merge([for name, target in var.targets : {
    for tier, what in target.tiers : "${name}-${tier}" => { target = name, tier = tier, roles = what.roles }
  }]...)
  grants = merge(flatten([for key, tier in local.tiers : [for project, roles in tier.roles : [
    for role in roles : { "${key} ${project} ${role}" = { account = key, project = project, role = role } }
  ]]])...)
}

resource "google_service_account" "upstream" {
  for_each = local.tiers

  project      = var.project_id
  account_id   = "${var.prefix}${each.key}"
  display_name = "Lockkeeper upstream: ${each.value.target}, ${each.value.tier}"
  description  = "What approved and allowed calls go out as. Only the proxy acts as it; it has no keys."
}

data "google_iam_policy" "proxy_alone" {
  binding {
    role    = "roles/iam.serviceAccountTokenCreator"
    members = ["serviceAccount:${var.proxy_account}"]
  }
}

# The whole policy of the account: whatever somebody adds beside it goes with the next apply.
resource "google_service_account_iam_policy" "proxy_alone" {
  for_each = google_service_account.upstream

  service_account_id = each.value.name
  policy_data        = data.google_iam_policy.proxy_alone.policy_data
}

resource "google_project_iam_member" "upstream" {
  for_each = local.grants

  project = each.value.project
  role    = each.value.role
  member  = "serviceAccount:${google_service_account.upstream[each.value.account].email}"
}
