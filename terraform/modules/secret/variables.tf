variable "project_id" {
  description = "Project of the secret."
  type        = string
}

variable "name" {
  description = "Id of the secret."
  type        = string

  validation {
    condition     = can(regex("^[a-zA-Z0-9_-]{1,255}$", var.name))
    error_message = "A secret's id has up to 255 letters, digits, dashes and underscores."
  }
}

variable "locations" {
  description = "Where copies of the value lie."
  type        = list(string)

  validation {
    condition     = length(var.locations) > 0
    error_message = "Name at least one location."
  }
}

variable "readers" {
  description = "Accounts that may read the value, by service."
  type        = map(string)
  default     = {}
}

variable "settings_text" {
  description = "Content that is no secret, such as a service's settings file: it stands in Terraform's state. Null: the value is added by hand and Terraform never sees it."
  type        = string
  default     = null
}

variable "rotation_days" {
  description = "Days after which the topic is told that a new value is due; 0: never. Nothing is rotated by itself."
  type        = number
  default     = 0

  validation {
    condition     = var.rotation_days >= 0 && (var.rotation_days == 0 || var.rotation_topic != null) && (var.rotation_days == 0 || var.first_rotation != null)
    error_message = "Rotation wants a topic that is told and a first date."
  }
}

variable "rotation_topic" {
  description = "Full name of the Pub/Sub topic that is told of rotations and of versions that come and go."
  type        = string
  default     = null
}

variable "first_rotation" {
  description = "When a new value is due for the first time, in RFC 3339."
  type        = string
  default     = null
}

variable "destroy_after_days" {
  description = "Days that a destroyed version can still be had back."
  type        = number
  default     = 7

  validation {
    condition     = var.destroy_after_days >= 1
    error_message = "At least one day, so that a mistake can be undone."
  }
}

variable "labels" {
  description = "Labels of the secret."
  type        = map(string)
  default     = {}
}
