variable "project_id" {
  description = "Project of the bucket."
  type        = string
}

variable "name" {
  description = "Name of the bucket; the world has it once."
  type        = string

  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$", var.name))
    error_message = "A bucket's name has 3 to 63 lower-case letters, digits and dashes."
  }
}

variable "location" {
  description = "Where the blobs lie."
  type        = string
}

variable "creators" {
  description = "Accounts that create and read blobs, by service. Creating never overwrites without the right to delete."
  type        = map(string)
  default     = {}
}

variable "readers" {
  description = "Accounts that read blobs, by service."
  type        = map(string)
  default     = {}
}

variable "removers" {
  description = "Accounts that remove blobs too, by service."
  type        = map(string)
  default     = {}
}

variable "soft_delete_days" {
  description = "Days that a removed blob can be had back; 0: none. 7 to 90 otherwise."
  type        = number
  default     = 7

  validation {
    condition     = var.soft_delete_days == 0 || (var.soft_delete_days >= 7 && var.soft_delete_days <= 90)
    error_message = "Cloud Storage keeps removed blobs for no time, or for 7 to 90 days."
  }
}

variable "delete_after_days" {
  description = "Removes each blob at this age; 0: never."
  type        = number
  default     = 0

  validation {
    condition     = var.delete_after_days >= 0
    error_message = "There is no negative age."
  }
}

variable "labels" {
  description = "Labels of the bucket."
  type        = map(string)
  default     = {}
}
