variable "project_id" {
  description = "Project of the evidence."
  type        = string
}

variable "prefix" {
  description = "Stands before the names of sink and dataset."
  type        = string
}

variable "bucket" {
  description = "Name of the log's bucket; the world has it once."
  type        = string
}

variable "location" {
  description = "Where log and dataset lie."
  type        = string
}

variable "writer" {
  description = "Account of the audit service, which creates and reads segments, bodies and checkpoints and can remove none."
  type        = string
}

variable "readers" {
  description = "Who may copy the log, as IAM members by a name of your own: auditors, a collector in another organization."
  type        = map(string)
  default     = {}

  validation {
    condition     = alltrue([for member in values(var.readers) : can(regex("^(serviceAccount|group|user):[^*]+@", member))])
    error_message = "Readers are serviceAccount:, group: or user: with an address."
  }
}

variable "retention_days" {
  description = "Days in which nobody can change or remove a piece of the log."
  type        = number
  default     = 400

  validation {
    condition     = var.retention_days >= 1 && var.retention_days <= 36500
    error_message = "Keep the log for 1 to 36,500 days."
  }
}

variable "lock" {
  description = "Whether the retention is locked. Nobody can ever take that back, Google included: it cannot be shortened, and the bucket cannot be removed before its last piece is old enough."
  type        = bool
  default     = false

  validation {
    condition     = !var.lock || var.lock_confirmation == "lock ${var.bucket} for ${var.retention_days} days"
    error_message = "Locking is for ever. If you mean it, set lock_confirmation to: lock BUCKET for DAYS days."
  }
}

variable "lock_confirmation" {
  description = "Says in words what lock does: lock BUCKET for DAYS days."
  type        = string
  default     = ""
}

variable "dataset_days" {
  description = "Days that Google's own audit log is kept in BigQuery."
  type        = number
  default     = 400

  validation {
    condition     = var.dataset_days >= 1
    error_message = "Keep it for a day at least."
  }
}

variable "analysts" {
  description = "Who may read the dataset, as IAM members by a name of your own."
  type        = map(string)
  default     = {}
}

variable "audited_services" {
  description = "Services of the gateway's own project whose reads are logged too: who asks for tokens, reads secrets, uses keys, looks into the log."
  type        = set(string)
  default     = ["iamcredentials.googleapis.com", "secretmanager.googleapis.com", "cloudkms.googleapis.com", "storage.googleapis.com"]
}

variable "labels" {
  description = "Labels of bucket and dataset."
  type        = map(string)
  default     = {}
}
