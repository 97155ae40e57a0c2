variable "project_id" {
  description = "Project of the network."
  type        = string
}

variable "region" {
  description = "Region of the subnetwork."
  type        = string
}

variable "name" {
  description = "Name of network, subnetwork, router and NAT."
  type        = string
}

variable "range" {
  description = "Addresses of the subnetwork, at least /26: each instance takes one, and twice as many while a revision rolls out."
  type        = string
  default     = "10.8.0.0/24"

  validation {
    condition     = can(cidrhost(var.range, 0)) && tonumber(split("/", var.range)[1]) <= 26
    error_message = "The range must be a network of /26 or larger."
  }
}
