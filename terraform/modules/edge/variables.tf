variable "project_id" {
  description = "Project of the load balancer."
  type        = string
}

variable "project_number" {
  description = "Its number, which the audiences of Identity-Aware Proxy have."
  type        = string
}

variable "region" {
  description = "Region of the services behind it."
  type        = string
}

variable "name" {
  description = "Name of the load balancer and, with something behind it, of all its parts."
  type        = string
}

variable "door" {
  description = "Domain of the domain door: it and every name right below it lead to the proxy."
  type        = string

  validation {
    condition     = can(regex("^([a-z0-9-]+\\.)+[a-z]{2,}$", var.door))
    error_message = "The door must be a domain name in lower case, without a scheme or a dot at its end."
  }
}

variable "proxy_service" {
  description = "Cloud Run service of the proxy. Whatever no other route takes goes there and is refused there."
  type        = string
}

variable "routes" {
  description = "Other services in reach from outside, by a name of your own: Cloud Run service, host, paths, and from which networks. With iap only whom Identity-Aware Proxy has signed in reaches the service."
  type = map(object({
    service = string
    host    = string
    paths   = optional(list(string), ["/*"])
    ranges  = optional(list(string), ["*"])
    iap     = optional(bool, false)
  }))
  default = {}

  validation {
    condition     = alltrue([for route in values(var.routes) : can(regex("^([a-z0-9-]+\\.)+[a-z]{2,}$", route.host)) && length(route.ranges) > 0])
    error_message = "A route has a host in lower case and at least one range."
  }

  validation {
    condition     = length(distinct(concat([var.door], [for route in values(var.routes) : route.host]))) == length(var.routes) + 1
    error_message = "Every route has a host of its own, and none has the door's."
  }
}

variable "agent_ranges" {
  description = "Networks that agents come from. The star lets all come: their tokens are what counts."
  type        = list(string)
  default     = ["*"]

  validation {
    condition     = length(var.agent_ranges) > 0 && length(var.agent_ranges) <= 10
    error_message = "Cloud Armor takes 1 to 10 ranges in a rule."
  }
}

variable "requests_per_minute" {
  description = "Requests of one address in a minute; more are answered with 429. Agents behind one NAT count as one address."
  type        = number
  default     = 6000

  validation {
    condition     = var.requests_per_minute >= 1 && var.requests_per_minute <= 10000
    error_message = "Cloud Armor counts 1 to 10,000 requests in a minute."
  }
}

variable "people_requests_per_minute" {
  description = "The same for the other routes."
  type        = number
  default     = 600

  validation {
    condition     = var.people_requests_per_minute >= 1 && var.people_requests_per_minute <= 10000
    error_message = "Cloud Armor counts 1 to 10,000 requests in a minute."
  }
}

variable "adaptive_protection" {
  description = "Whether Cloud Armor looks for attacks by itself and tells of them. It needs Cloud Armor Enterprise to be more than a notice."
  type        = bool
  default     = true
}

variable "log_sample_rate" {
  description = "Share of the proxy's requests in the load balancer's log, 0 to 1. Every call stands in the gateway's own log anyway."
  type        = number
  default     = 0.1

  validation {
    condition     = var.log_sample_rate >= 0 && var.log_sample_rate <= 1
    error_message = "A share lies between 0 and 1."
  }
}

variable "dns_zone" {
  description = "Cloud DNS zone that the names are entered into: its project and name. Null: enter the records of the outputs by hand."
  type        = object({ project_id = string, name = string })
  default     = null
}

variable "labels" {
  description = "Labels of address and certificate."
  type        = map(string)
  default     = {}
}
