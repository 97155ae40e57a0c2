variable "project_id" {
  description = "Project of the upstream accounts. In production one of its own, apart from the gateway's and from everything that agents may touch."
  type        = string
}

variable "gateway_project_id" {
  description = "Project of the gateway."
  type        = string
}

variable "proxy_account" {
  description = "Account of the proxy: the only one that may act as an upstream account."
  type        = string

  validation {
    condition     = endswith(var.proxy_account, ".gserviceaccount.com")
    error_message = "The proxy's account is a service account."
  }
}

variable "prefix" {
  description = "Stands before every account's id."
  type        = string
  default     = "lk-"
}

variable "targets" {
  description = "What calls go out as: for each target one account for each tier of risk, and its roles by project. The tier in use is the one that the target's settings name."
  type = map(object({
    hosts = list(string)
    tier  = string
    tiers = map(object({ roles = map(set(string)) }))
  }))
  default = {}

  validation {
    condition     = alltrue([for target in values(var.targets) : contains(keys(target.tiers), target.tier)])
    error_message = "The tier in use must be one of the target's tiers."
  }

  validation {
    condition     = alltrue(flatten([for name, target in var.targets : [for tier in keys(target.tiers) : can(regex("^[a-z][a-z0-9-]{4,28}[a-z0-9]$", "${var.prefix}${name}-${tier}"))]]))
    error_message = "Prefix, target and tier together make an account's id: 6 to 30 lower-case letters, digits and dashes."
  }

  validation {
    condition = alltrue(flatten([for target in values(var.targets) : [for tier in values(target.tiers) : [for roles in values(tier.roles) : [
      for role in roles : can(regex("^(roles/|projects/[^/]+/roles/|organizations/[0-9]+/roles/)", role)) && !contains(["roles/owner", "roles/editor", "roles/viewer"], role) && !startswith(role, "roles/iam.serviceAccount") && role != "roles/iam.workloadIdentityUser"
    ]]]]))
    error_message = "No primitive roles, and none that acts as another account or makes keys: such a role leads around the gateway."
  }

  validation {
    condition     = alltrue(flatten([for target in values(var.targets) : [for tier in values(target.tiers) : [for project in keys(tier.roles) : project != var.gateway_project_id && project != var.project_id]]]))
    error_message = "No upstream account gets a role in the gateway's own projects: the gateway cannot be used to change the gateway."
  }
}

variable "guarded" {
  description = "Folder (folders/NUMBER) or project (projects/NUMBER) in which changes pass the gateway or do not happen. Null: no deny policy, agents' own accounts are not kept out."
  type        = string
  default     = null

  validation {
    condition     = var.guarded == null || can(regex("^(folders|projects)/[0-9]+$", var.guarded))
    error_message = "Name a folder or project by its number."
  }
}

variable "guarded_permissions" {
  description = "What is denied there to all but upstream accounts and exceptions, workloads included, as deny policies write permissions. By default what changes the place itself and no workload does: objects, rows and secrets stay with whoever has roles. Not every permission can be denied."
  type        = list(string)
  default = [
    "bigquery.googleapis.com/datasets.delete",
    "cloudresourcemanager.googleapis.com/projects.delete",
    "cloudresourcemanager.googleapis.com/projects.setIamPolicy",
    "compute.googleapis.com/firewalls.create",
    "compute.googleapis.com/firewalls.delete",
    "compute.googleapis.com/firewalls.update",
    "compute.googleapis.com/instances.delete",
    "compute.googleapis.com/instances.setMetadata",
    "iam.googleapis.com/roles.update",
    "iam.googleapis.com/serviceAccounts.setIamPolicy",
    "logging.googleapis.com/sinks.delete",
    "logging.googleapis.com/sinks.update",
    "pubsub.googleapis.com/subscriptions.delete",
    "pubsub.googleapis.com/topics.delete",
    "run.googleapis.com/services.delete",
    "run.googleapis.com/services.setIamPolicy",
    "secretmanager.googleapis.com/secrets.delete",
    "storage.googleapis.com/buckets.delete",
    "storage.googleapis.com/buckets.setIamPolicy",
  ]
}

variable "exceptions" {
  description = "Who may do that without the gateway, as principals of deny policies: principalSet://goog/group/ADDRESS, principal://goog/subject/ADDRESS, principal://iam.googleapis.com/projects/-/serviceAccounts/ADDRESS. The people who help when the gateway is down, and pipelines that are no agents."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for one in var.exceptions : can(regex("^principal(Set)?://", one)) && one != "principalSet://goog/public:all"])
    error_message = "Exceptions are principals of deny policies, and never everybody."
  }
}

variable "service_agent_projects" {
  description = "Numbers of projects whose Google service agents go on working under the deny policies: those in the guarded place."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for number in var.service_agent_projects : can(regex("^[0-9]+$", number))])
    error_message = "Project numbers have digits only."
  }
}

variable "organization_rules" {
  description = "Whether organization policies of the guarded place are set too: no account keys, no public buckets, no members from outside, no Cloud Run service open to the internet."
  type        = bool
  default     = false

  validation {
    condition     = !var.organization_rules || (var.guarded != null && length(var.customer_ids) > 0)
    error_message = "Organization policies want a guarded place and the customer ids whose members may be given roles."
  }
}

variable "customer_ids" {
  description = "Cloud Identity customers (C0…) whose accounts may be given roles in the guarded place."
  type        = list(string)
  default     = []
}

variable "perimeter" {
  description = "VPC Service Controls around the guarded projects: number of the access policy, project numbers (projects/NUMBER) and services. Only upstream accounts and the named identities come in. Null: none."
  type = object({
    access_policy = string
    projects      = list(string)
    services      = list(string)
    identities    = optional(list(string), [])
    enforced      = optional(bool, false)
  })
  default = null
}

variable "protect_project" {
  description = "Whether a lien keeps the gateway's project from being deleted."
  type        = bool
  default     = true
}
