variable "project_id" {
  description = "Project of the gateway: an empty one, in a folder that no agent and no upstream account has a role in."
  type        = string
}

variable "upstream_project_id" {
  description = "Project of the upstream accounts. Null: the gateway's own, for a test environment."
  type        = string
  default     = null
}

variable "region" {
  description = "Region of the state bucket and of the images."
  type        = string
  default     = "europe-west1"
}

variable "guarded" {
  description = "Folder (folders/NUMBER) whose deny policy and organization policies the deployer sets. Null: none, and no such right."
  type        = string
  default     = null

  validation {
    condition     = var.guarded == null || can(regex("^folders/[0-9]+$", var.guarded))
    error_message = "Name a folder by its number."
  }
}

variable "organization" {
  description = "Number of the organization: rights to deny policies and organization policies can be given there alone. Null where neither a folder is guarded nor upstream accounts have a project of their own."
  type        = string
  default     = null

  validation {
    condition     = var.organization != null || (var.guarded == null && var.upstream_project_id == null)
    error_message = "A guarded folder, or upstream accounts in a project of their own, want the organization's number: both have a deny policy."
  }
}

variable "target_projects" {
  description = "Projects in which the deployer gives upstream accounts their roles."
  type        = set(string)
  default     = []
}

variable "upstream_roles" {
  description = "The only roles that the deployer may give in those projects: what upstream accounts have. IAM takes ten in a condition."
  type        = list(string)
  default     = []

  validation {
    condition     = length(var.upstream_roles) <= 10 && (length(var.target_projects) == 0 || length(var.upstream_roles) > 0) && alltrue([for role in var.upstream_roles : !contains(["roles/owner", "roles/editor", "roles/viewer"], role)])
    error_message = "Name one to ten roles for the target projects, none of them primitive: without them the deployer could give itself anything there."
  }
}

variable "deployers" {
  description = "People who may act as the deployer, as IAM members by a name of your own."
  type        = map(string)
  default     = {}

  validation {
    condition     = alltrue([for member in values(var.deployers) : can(regex("^(group|user):[^*]+@", member))])
    error_message = "Deployers are group: or user: with an address."
  }
}

variable "repository" {
  description = "GitHub repository (OWNER/NAME) whose pipeline may act as the deployer, the owner's number, and the environment that it must run in. Null: none."
  type        = object({ name = string, owner_id = string, environment = string })
  default     = null

  validation {
    condition     = var.repository == null || try(can(regex("^[\\w.-]+/[\\w.-]+$", var.repository.name)) && can(regex("^[0-9]+$", var.repository.owner_id)), false)
    error_message = "The repository is OWNER/NAME, and the owner's number has digits only."
  }
}
