variable "project_id" {
  description = "Project of the console."
  type        = string
}

variable "project_number" {
  description = "Its number, which the names of Google's service agents have."
  type        = string

  validation {
    condition     = can(regex("^[0-9]+$", var.project_number))
    error_message = "The number has digits only."
  }
}

variable "region" {
  description = "Region of the console's service."
  type        = string
}

variable "service" {
  description = "Cloud Run service of the console."
  type        = string
}

variable "backend_service" {
  description = "Backend service of the load balancer, with Identity-Aware Proxy on."
  type        = string
}

variable "people" {
  description = "Who may open the console, as IAM members by a name of your own: groups of approvers and auditors. What each may decide is the approval service's to say."
  type        = map(string)

  validation {
    condition     = length(var.people) > 0 && alltrue([for member in values(var.people) : can(regex("^(group|user):[^*]+@", member))])
    error_message = "Name at least one group: or user: with an address; never everybody, and no service account."
  }
}

variable "session_seconds" {
  description = "After so long a person must sign in again."
  type        = number
  default     = 28800

  validation {
    condition     = var.session_seconds >= 300 && var.session_seconds <= 86400
    error_message = "A session lasts 300 to 86,400 seconds."
  }
}
