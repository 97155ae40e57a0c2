variable "project_id" {
  description = "Project of the gateway."
  type        = string
}

variable "region" {
  description = "Region of the services."
  type        = string
}

variable "prefix" {
  description = "Stands before the names of services, topics and subscriptions."
  type        = string
}

variable "services" {
  description = "Services that are deployed."
  type        = set(string)
}

variable "always_there" {
  description = "Of those, the ones without which calls are refused or records wait: each has an alert on its absence."
  type        = set(string)
  default     = ["proxy", "policy", "approval", "audit"]
}

variable "subscriptions" {
  description = "Subscriptions of the topology: id, the service that takes it, its subscription of dead letters."
  type        = list(object({ id = string, service = string, dead_letters = string }))
}

variable "lag_seconds" {
  description = "Age of the oldest event of a subscription that is too much, by subscription id; 300 where nothing is said."
  type        = map(number)
  default     = { audit-records = 60, approval-access = 60, approval-decisions = 60 }
}

variable "emails" {
  description = "Addresses that alerts go to."
  type        = set(string)

  validation {
    condition     = length(var.emails) > 0
    error_message = "An alert that nobody gets is none."
  }
}

variable "channels" {
  description = "Full names of further notification channels: paging, chat."
  type        = list(string)
  default     = []
}

variable "host" {
  description = "Host whose door is asked from outside. Null: not asked, as long as there is no edge."
  type        = string
  default     = null
}

variable "upstream_accounts" {
  description = "Addresses of the upstream accounts: a token of theirs for anybody but the proxy is told."
  type        = list(string)
  default     = []
}

variable "log_bucket" {
  description = "Bucket of the log."
  type        = string
}

variable "secret_events" {
  description = "Subscription that Secret Manager's notices wait in. Null: there is none."
  type        = string
  default     = null
}

variable "deployer" {
  description = "Account that changes services: anybody else who does is told of."
  type        = string
}

variable "proxy_account" {
  description = "Account of the proxy."
  type        = string
}

variable "own_metrics" {
  description = "Whether a collector stands beside the services, so that the dashboard can show what they measure themselves."
  type        = bool
  default     = false
}

variable "availability_goal" {
  description = "Share of the proxy's answers that are no fault of the gateway's, over 28 days."
  type        = number
  default     = 0.999

  validation {
    condition     = var.availability_goal > 0.5 && var.availability_goal < 1
    error_message = "The goal lies between 0.5 and 1."
  }
}
