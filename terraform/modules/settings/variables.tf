variable "project_id" {
  description = "Project of the gateway."
  type        = string
}

variable "own" {
  description = "By service, the YAML of what its settings hold beyond what Terraform knows: issuers, channels, Slack, limits. What Terraform knows must not stand in it."
  type        = map(string)

  validation {
    condition     = length(setsubtract(["proxy", "policy", "approval", "audit", "notifier", "console"], keys(var.own))) == 0 && alltrue([for text in values(var.own) : can(keys(yamldecode(text)))])
    error_message = "Every service needs a YAML object here; {} is one."
  }

  validation {
    condition = alltrue([for service, text in var.own : length(setintersection(
      try(keys(yamldecode(text)), []),
      concat(lookup({ approval = ["console"], console = ["origin", "approverIssuers", "services", "iap", "mailLinkKey"], notifier = ["mailLinkKey"] }, service, []), ["apiVersion", "kind", "mode", "project", "database", "databases", "blobs", "signer", "policyKeys", "writerKeys", "trustedKeys", "logKeys", "secrets", "approval", "identity", "people", "proxies", "operators", "pusher", "emulators", "doors", "approvalUrl", "protected"])
    )) == 0])
    error_message = "Terraform writes apiVersion, kind, mode, project, databases, blobs, keys, secrets, people, doors, approvalUrl, protected, origin, iap, mailLinkKey and who may call whom; take them out."
  }
}

variable "collector_url" {
  description = "Address of the collector beside each service; it takes the place of an address in own. Null: traces and metrics go where own says, or nowhere."
  type        = string
  default     = null
}

variable "databases" {
  description = "Id of each service's database."
  type        = object({ policy = string, approval = string, audit = string, notifier = string, console = string })
}

variable "buckets" {
  description = "Bucket of bundles, of receipts and of the log."
  type        = object({ bundles = string, receipts = string, log = string })
}

variable "keys" {
  description = "Full names of the versions of each signing key that count, the one that signs first."
  type        = object({ proxy = list(string), policy = list(string), audit = list(string) })

  validation {
    condition     = alltrue([for versions in values(var.keys) : length(versions) > 0])
    error_message = "Each key needs the version that signs."
  }
}

variable "secrets" {
  description = "Secrets by service and by the names that its settings use: the full name and its pinned version."
  type        = map(map(object({ secret = string, version = number })))
}

variable "origins" {
  description = "Address of each inner service without a path."
  type        = object({ policy = string, approval = string, audit = string, notifier = string })

  validation {
    condition     = alltrue([for origin in values(var.origins) : can(regex("^https://[^/]+$", origin))])
    error_message = "An origin is https and has no path."
  }
}

variable "pushers" {
  description = "The one account that pushes to each service."
  type        = object({ approval = string, audit = string, notifier = string })
}

variable "proxy_account" {
  description = "Account of the proxy: the only one that claims approvals."
  type        = string
}

variable "operators" {
  description = "Accounts that may ask each inner service for more than the others may."
  type        = object({ policy = list(string), approval = list(string), audit = list(string), notifier = list(string) })

  validation {
    condition     = alltrue([for accounts in values(var.operators) : length(accounts) > 0])
    error_message = "Name at least one operator for each service: without one nobody could lock an agent out."
  }
}

variable "people_path" {
  description = "Where people.yaml lies in the containers."
  type        = string
}

variable "door" {
  description = "Domain of the domain door."
  type        = string
}

variable "approval_url" {
  description = "Page of a request; {id} becomes the request's id. Null: no page."
  type        = string
  default     = null

  validation {
    condition     = var.approval_url == null || try(startswith(var.approval_url, "https://") && strcontains(var.approval_url, "{id}"), false)
    error_message = "The page's address is https and holds {id}."
  }
}

variable "protected_projects" {
  description = "Further projects out of every agent's reach, by id and by number."
  type        = list(string)
}

variable "targets" {
  description = "Where calls may go, and as which account. Empty: what the policy service has published."
  type        = list(object({ name = string, hosts = list(string), account = string }))
}

variable "token_minutes" {
  description = "Life of upstream tokens, 1 to 60."
  type        = number
  default     = 10

  validation {
    condition     = var.token_minutes >= 1 && var.token_minutes <= 60
    error_message = "Google's tokens live for 1 to 60 minutes."
  }
}

variable "console" {
  description = "Address of the console's page, its account, and the audience of Identity-Aware Proxy's assertions where that is known. Null: no console."
  type        = object({ origin = string, account = string, iap_audience = optional(string) })
  default     = null

  validation {
    condition     = var.console == null || try(can(regex("^https://[^/]+$", var.console.origin)), false)
    error_message = "The console's address is https and has no path."
  }

  validation {
    condition     = var.console == null || can(yamldecode(var.own["approval"]).approverIssuers[0]) && can(yamldecode(var.own["console"]).signIn[0])
    error_message = "A console wants approverIssuers in approval.yaml, which it shares, and signIn in console.yaml."
  }
}
