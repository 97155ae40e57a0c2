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

variable "agent_ranges" {
  description = "Networks that agents come from."
  type        = list(string)
  default     = ["*"]
}

variable "http2" {
  description = "Whether the load balancer's requests reach the proxy as HTTP/2 in clear text: over HTTP/1.1 Cloud Run ends requests at 32 MiB."
  type        = bool
  default     = true
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
