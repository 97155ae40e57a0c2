variable "project_id" {
  description = "Project of the queue."
  type        = string
}

variable "consumers" {
  description = "Who takes from it: the account and, where it is pushed to, its address."
  type        = map(object({ account = string, address = optional(string) }))
  default     = {}

  validation {
    condition     = alltrue([for name, one in var.consumers : endswith(one.account, ".gserviceaccount.com") if name != ""])
    error_message = "Consumers are service accounts, not roles/viewer or allUsers."
  }
}

variable "access_token" {
  description = "Sent with every push; comes from outside."
  type        = string
  sensitive   = true
}
