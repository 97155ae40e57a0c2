variable "project_id" {
  description = "Project that the service runs in."
  type        = string
}

variable "region" {
  description = "Region of the service."
  type        = string
}

variable "name" {
  description = "Name of the Cloud Run service."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,47}[a-z0-9]$", var.name))
    error_message = "The name must be 2 to 49 lower-case letters, digits and dashes."
  }
}

variable "image" {
  description = "Image by digest."
  type        = string

  validation {
    condition     = can(regex("@sha256:[0-9a-f]{64}$", var.image))
    error_message = "Name the image by its digest (…@sha256:…): a tag can be moved to something that nobody looked at."
  }
}

variable "account" {
  description = "Address of the account that this service, and no other, runs as."
  type        = string

  validation {
    condition     = endswith(var.account, ".gserviceaccount.com") && !endswith(var.account, "-compute@developer.gserviceaccount.com") && !endswith(var.account, "@appspot.gserviceaccount.com")
    error_message = "The account is a service account of its own, never one of the project's default accounts."
  }
}

variable "ingress" {
  description = "From where requests come in: INGRESS_TRAFFIC_INTERNAL_ONLY or INGRESS_TRAFFIC_INTERNAL_LOAD_BALANCER. Never from everywhere: the edge stands before what is public."
  type        = string
  default     = "INGRESS_TRAFFIC_INTERNAL_ONLY"

  validation {
    condition     = contains(["INGRESS_TRAFFIC_INTERNAL_ONLY", "INGRESS_TRAFFIC_INTERNAL_LOAD_BALANCER"], var.ingress)
    error_message = "The ingress must be INGRESS_TRAFFIC_INTERNAL_ONLY or INGRESS_TRAFFIC_INTERNAL_LOAD_BALANCER."
  }
}

variable "check_invoker" {
  description = "Whether Cloud Run's IAM checks callers first. It takes the signature off the one token that Pub/Sub sends, so services that are pushed to, and the proxy, check alone, in code."
  type        = bool
  default     = true
}

variable "invokers" {
  description = "Who may invoke the service where IAM checks, as IAM members by a name of your own. Accounts and groups; never everybody."
  type        = map(string)
  default     = {}

  validation {
    condition     = alltrue([for member in values(var.invokers) : can(regex("^(serviceAccount|group|user):[^*]+@", member))])
    error_message = "Invokers are serviceAccount:, group: or user: with an address."
  }
}

variable "custom_audiences" {
  description = "Audiences of ID tokens that Cloud Run takes beside the service's URL."
  type        = list(string)
  default     = []
}

variable "env" {
  description = "Plain environment variables. No secrets: they show in the console and in the state."
  type        = map(string)
  default     = {}
}

variable "secret_env" {
  description = "Environment variables from secrets: the secret's id and its pinned version."
  type        = map(object({ secret = string, version = string }))
  default     = {}

  validation {
    condition     = alltrue([for one in values(var.secret_env) : can(regex("^[0-9]+$", one.version))])
    error_message = "Pin a version's number: what latest means changes under a running service."
  }
}

variable "files" {
  description = "Files from secrets, by volume name: secret's id, pinned version, directory and file name. Each has a directory of its own."
  type        = map(object({ secret = string, version = string, directory = string, file = string }))
  default     = {}

  validation {
    condition     = alltrue([for one in values(var.files) : can(regex("^[0-9]+$", one.version)) && startswith(one.directory, "/")])
    error_message = "Pin a version's number, and give an absolute directory."
  }

  validation {
    condition     = !contains(keys(var.files), "collector")
    error_message = "The name collector is taken by the collector's own file."
  }
}

variable "collector" {
  description = "OpenTelemetry Collector in a container beside the service: its image by digest, and the secret and pinned version with its configuration. It takes what comes on 127.0.0.1:4318. Null: none."
  type        = object({ image = string, secret = string, version = string })
  default     = null

  validation {
    condition     = var.collector == null || try(can(regex("@sha256:[0-9a-f]{64}$", var.collector.image)) && can(regex("^[0-9]+$", var.collector.version)), false)
    error_message = "Name the collector's image by its digest (…@sha256:…) and pin its configuration's version: it runs with the service's rights."
  }
}

variable "http2" {
  description = "Whether requests reach the container over HTTP/2 in clear text (h2c): bodies over 32 MiB and gRPC need it."
  type        = bool
  default     = false
}

variable "port" {
  description = "Port of the container."
  type        = number
  default     = 8080
}

variable "cpu" {
  description = "CPUs of an instance."
  type        = string
  default     = "1"
}

variable "memory" {
  description = "Memory of an instance."
  type        = string
  default     = "512Mi"
}

variable "cpu_always" {
  description = "CPU also between requests. What watches, beats or pulls needs it: without it a view ages and everything is refused."
  type        = bool
  default     = true
}

variable "min_instances" {
  description = "Instances at least."
  type        = number
  default     = 1

  validation {
    condition     = var.min_instances >= 0
    error_message = "There is no negative number of instances."
  }
}

variable "max_instances" {
  description = "Instances at most."
  type        = number
  default     = 4

  validation {
    condition     = var.max_instances >= 1 && var.max_instances >= var.min_instances
    error_message = "The most instances must be one or more, and no fewer than the least."
  }
}

variable "concurrency" {
  description = "Requests that an instance takes at once, 1 to 1,000."
  type        = number
  default     = 80

  validation {
    condition     = var.concurrency >= 1 && var.concurrency <= 1000
    error_message = "Cloud Run takes 1 to 1,000 requests an instance at once."
  }
}

variable "timeout_seconds" {
  description = "End of a request, 1 to 3,600."
  type        = number
  default     = 60

  validation {
    condition     = var.timeout_seconds >= 1 && var.timeout_seconds <= 3600
    error_message = "Cloud Run takes 1 to 3,600 seconds."
  }
}

variable "network" {
  description = "Network and subnetwork that all its requests go out through, so that internal services take them. Null: Cloud Run's own way out."
  type        = object({ network = string, subnetwork = string })
  default     = null
}

variable "binary_authorization" {
  description = "Whether the project's Binary Authorization policy decides which images start."
  type        = bool
  default     = false
}

variable "deletion_protection" {
  description = "Whether Terraform may not delete the service."
  type        = bool
  default     = true
}

variable "labels" {
  description = "Labels of the service."
  type        = map(string)
  default     = {}
}
