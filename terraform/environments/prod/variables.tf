variable "project_id" {
  description = "Project of the gateway."
  type        = string
}

variable "deployer" {
  description = "Account that Terraform acts as; bootstrap made it."
  type        = string
}

variable "act_as_deployer" {
  description = "Whether whoever applies acts as the deployer. False for a pipeline that is it."
  type        = bool
  default     = true
}

variable "region" {
  description = "Region of services, keys and subnetwork."
  type        = string
  default     = "europe-west1"
}

variable "images" {
  description = "Image of each service, by digest. Empty in the first apply."
  type        = map(string)
  default     = {}
}

variable "door" {
  description = "Domain of the domain door."
  type        = string
}

variable "secrets" {
  description = "Secrets by the names that settings use: the service that reads it and the version in use."
  type        = map(object({ service = string, version = number }))
}

variable "operators" {
  description = "Service accounts that people and pipelines impersonate as operators of each service."
  type        = object({ policy = list(string), approval = list(string), audit = list(string), notifier = list(string) })
}

variable "targets" {
  description = "What calls go out as: hosts, tiers of risk, and the roles of each tier by project."
  type = map(object({
    hosts = list(string)
    tier  = string
    tiers = map(object({ roles = map(set(string)) }))
  }))
}

variable "collector_image" {
  description = "OpenTelemetry Collector beside every service, by digest; null for none."
  type        = string
  default     = null
}

variable "alert_emails" {
  description = "Addresses that alerts go to."
  type        = set(string)
}

variable "key_versions" {
  description = "Of each signing key the version that signs, and older ones whose signatures still count."
  type        = map(object({ signs = number, trusted = optional(list(number), []) }))
  default     = {}
}

variable "upstream_project_id" {
  description = "Project of the upstream accounts, apart from the gateway's."
  type        = string

  validation {
    condition     = var.upstream_project_id != var.project_id
    error_message = "In production upstream accounts live in a project of their own: there nobody but the proxy gets a token of theirs, owners included."
  }
}

variable "agent_ranges" {
  description = "Networks that agents come from."
  type        = list(string)
  default     = ["*"]
}

variable "operator_hosts" {
  description = "Host at the edge of each service that operators reach from outside."
  type        = map(string)
  default     = {}
}

variable "operator_ranges" {
  description = "Networks that operators come from."
  type        = list(string)
  default     = []
}

variable "slack_host" {
  description = "Host that Slack posts clicks to. Null: no buttons."
  type        = string
  default     = null
}

variable "console" {
  description = "Host of the console, the groups that may open it, and the audience of Identity-Aware Proxy's assertions once the output iap_audience says it. Null: no console."
  type        = object({ host = string, people = map(string), iap_audience = optional(string) })
  default     = null
}

variable "approval_url" {
  description = "Page of a request; {id} becomes its id."
  type        = string
  default     = null
}

variable "dns_zone" {
  description = "Cloud DNS zone for the names. Null: enter the records by hand."
  type        = object({ project_id = string, name = string })
  default     = null
}

variable "guard" {
  description = "What makes the gateway unavoidable."
  type = object({
    guarded                = string
    exceptions             = list(string)
    service_agent_projects = list(string)
    organization_rules     = optional(bool, true)
    customer_ids           = list(string)
    perimeter = optional(object({
      access_policy = string
      projects      = list(string)
      services      = list(string)
      identities    = optional(list(string), [])
      enforced      = optional(bool, false)
    }))
  })

  validation {
    condition     = length(var.guard.exceptions) > 0
    error_message = "Name who helps when the gateway is down: with no exception nobody could."
  }
}

variable "log" {
  description = "The log: days it cannot be changed, whether that is locked for ever, and who may copy it."
  type = object({
    retention_days    = number
    lock              = bool
    lock_confirmation = optional(string, "")
    readers           = map(string)
    analysts          = optional(map(string), {})
  })

  validation {
    condition     = var.log.retention_days >= 365
    error_message = "In production the log is kept for a year at least."
  }

  validation {
    condition     = length(var.log.readers) > 0
    error_message = "Name somebody outside of this project who copies the log: a log whose end was cut off shows only against a copy."
  }
}

variable "attestors" {
  description = "Binary Authorization attestors whose word an image needs."
  type        = list(string)
  default     = []
}

variable "rotation_days" {
  description = "Days after which a new value of each secret is due."
  type        = number
  default     = 90
}

variable "first_rotation" {
  description = "When that is for the first time, in RFC 3339."
  type        = string
}

variable "alert_channels" {
  description = "Full names of further notification channels: paging."
  type        = list(string)
  default     = []
}

variable "http2" {
  description = "Whether the load balancer's requests reach the proxy as HTTP/2 in clear text: over HTTP/1.1 Cloud Run ends requests at 32 MiB."
  type        = bool
  default     = true
}
