module "database" {
  source   = "../firestore"
  for_each = { for one in local.topology.databases : one.name => one }

  project_id = var.project_id
  name       = "${local.prefix}${each.key}"
  location   = var.database_location
  indexes    = jsondecode(file("${local.infra}/firestore/${each.key}.indexes.json"))
  writer     = local.accounts[each.value.writer]
  readers    = { for reader in each.value.readers : reader => local.accounts[reader] }
}

module "bundles" {
  source = "../bucket"

  project_id       = var.project_id
  name             = "${var.project_id}-bundles"
  location         = var.location
  creators         = { policy = local.accounts["policy"] }
  readers          = { proxy = local.accounts["proxy"] }
  soft_delete_days = 30
  labels           = var.labels
}

# Sealed answers that live for minutes: nothing of them is kept once the service has removed them.
module "receipts" {
  source = "../bucket"

  project_id        = var.project_id
  name              = "${var.project_id}-receipts"
  location          = var.location
  creators          = { approval = local.accounts["approval"] }
  removers          = { approval = local.accounts["approval"] }
  soft_delete_days  = 0
  delete_after_days = 30
  labels            = var.labels
}

module "evidence" {
  source = "../evidence"

  project_id        = var.project_id
  prefix            = local.prefix
  bucket            = "${var.project_id}-log"
  location          = var.location
  writer            = local.accounts["audit"]
  readers           = var.log.readers
  analysts          = var.log.analysts
  retention_days    = var.log.retention_days
  lock              = var.log.lock
  lock_confirmation = var.log.lock_confirmation
  labels            = var.labels
}

module "secret" {
  source   = "../secret"
  for_each = var.secrets

  project_id = var.project_id
  name       = "${local.prefix}${each.key}"
  locations  = var.message_regions
  readers    = { for service in local.secret_readers[each.key] : service => local.accounts[service] }
  # Secret Manager is asked whether it may publish there when the secret is made.
  rotation_topic = google_pubsub_topic_iam_member.secret_events.topic
  rotation_days  = var.rotation_days
  first_rotation = var.first_rotation
  labels         = var.labels
}

resource "google_kms_key_ring" "main" {
  project  = var.project_id
  location = var.region
  name     = "${local.prefix}gateway"
}

locals {
  # Who signs with a key, and who must be able to check what it signed.
  signing = {
    proxy  = ["audit"]
    policy = ["proxy"]
    audit  = []
  }
}

module "signing_key" {
  source   = "../signing-key"
  for_each = local.signing

  key_ring         = google_kms_key_ring.main.id
  name             = each.key
  signer           = local.accounts[each.key]
  verifiers        = { for name in each.value : name => local.accounts[name] }
  key_version      = try(var.key_versions[each.key].signs, 1)
  trusted_versions = try(var.key_versions[each.key].trusted, [])
  protection_level = var.key_protection
  labels           = var.labels
}
