locals {
  deployer = "serviceAccount:${google_service_account.deployer.email}"

  # What terraform/modules needs. Who gives rights in a project can give them to itself, and who deploys an image decides what runs: the
  # deployer is as strong as the gateway. So people act as it by name, the pipeline behind its environment's reviewers, and alerts watch it.
  project_roles = toset([
    "roles/bigquery.dataOwner",
    "roles/binaryauthorization.policyEditor",
    "roles/certificatemanager.owner",
    "roles/cloudkms.admin",
    "roles/compute.loadBalancerAdmin",
    "roles/compute.networkAdmin",
    "roles/compute.securityAdmin",
    "roles/datastore.owner",
    "roles/iam.roleAdmin",
    "roles/iam.serviceAccountAdmin",
    "roles/iap.admin",
    "roles/iap.settingsAdmin",
    "roles/logging.configWriter",
    "roles/monitoring.editor",
    "roles/pubsub.admin",
    "roles/resourcemanager.lienModifier",
    "roles/resourcemanager.projectIamAdmin",
    "roles/run.admin",
    "roles/secretmanager.admin",
    "roles/serviceusage.serviceUsageConsumer",
    "roles/storage.admin",
  ])
}

resource "google_service_account" "deployer" {
  project      = var.project_id
  account_id   = "lockkeeper-deployer"
  display_name = "Lockkeeper: deployer"
  description  = "What Terraform acts as. It has no keys."

  depends_on = [google_project_service.main]
}

resource "google_project_iam_member" "deployer" {
  for_each = local.project_roles

  project = var.project_id
  role    = each.value
  member  = local.deployer
}

# Services and pushes run as accounts of this project, and those are made by the same apply. Nothing else lives in it.
resource "google_project_iam_member" "acts_as" {
  project = var.project_id
  role    = "roles/iam.serviceAccountUser" # whole project: the services' accounts come with the first apply.
  member  = local.deployer
}

resource "google_project_iam_member" "upstream" {
  for_each = local.upstream_project == var.project_id ? toset([]) : toset(["roles/iam.serviceAccountAdmin", "roles/logging.configWriter", "roles/resourcemanager.projectIamAdmin"])

  project = local.upstream_project
  role    = each.value
  member  = local.deployer
}

# It gives upstream accounts their roles, and can give no other.
resource "google_project_iam_member" "target" {
  for_each = var.target_projects

  project = each.value
  role    = "roles/resourcemanager.projectIamAdmin"
  member  = local.deployer

  condition {
    title       = "only upstream roles"
    description = "Gives and takes these roles and no other."
    expression  = "api.getAttribute('iam.googleapis.com/modifiedGrantsByRole', []).hasOnly([${join(", ", [for role in var.upstream_roles : "'${role}'"])}])"
  }
}

# Neither can be given below the organization.
resource "google_organization_iam_member" "guard" {
  for_each = toset(concat(
    var.organization == null ? [] : ["roles/iam.denyAdmin"],
    var.guarded == null ? [] : ["roles/orgpolicy.policyAdmin"],
  ))

  org_id = var.organization
  role   = each.value
  member = local.deployer
}

resource "google_storage_bucket_iam_member" "state" {
  bucket = google_storage_bucket.state.name
  role   = "roles/storage.objectUser"
  member = local.deployer
}

resource "google_artifact_registry_repository_iam_member" "deployer" {
  project    = var.project_id
  location   = google_artifact_registry_repository.images.location
  repository = google_artifact_registry_repository.images.name
  role       = "roles/artifactregistry.writer"
  member     = local.deployer
}

resource "google_service_account_iam_member" "people" {
  for_each = var.deployers

  service_account_id = google_service_account.deployer.name
  role               = "roles/iam.serviceAccountTokenCreator"
  member             = each.value
}
