variable "project_id" {
  description = "Project of the database."
  type        = string
}

variable "name" {
  description = "Id of the database."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{2,61}[a-z0-9]$", var.name))
    error_message = "A database's id has 4 to 63 lower-case letters, digits and dashes."
  }
}

variable "location" {
  description = "Where the database lies; it cannot be moved."
  type        = string
}

variable "indexes" {
  description = "Indexes and exemptions that the service declares: infra/firestore/SERVICE.indexes.json."
  type = object({
    indexes = list(object({
      collectionGroup = string
      queryScope      = string
      fields          = list(object({ fieldPath = string, order = string }))
    }))
    fieldOverrides = list(object({
      collectionGroup = string
      fieldPath       = string
      ttl             = optional(bool, false)
      indexes         = list(object({ order = optional(string), queryScope = optional(string) }))
    }))
  })

  validation {
    condition     = alltrue([for one in var.indexes.fieldOverrides : length(one.indexes) == 0])
    error_message = "The generated files only take fields out of indexes; one that puts them in is not understood here."
  }
}

variable "writer" {
  description = "Account of the one service that writes."
  type        = string
}

variable "readers" {
  description = "Accounts that read, by service."
  type        = map(string)
  default     = {}
}

variable "backup_days" {
  description = "Days that a daily backup is kept, 1 to 98."
  type        = number
  default     = 30

  validation {
    condition     = var.backup_days >= 1 && var.backup_days <= 98
    error_message = "Firestore keeps backups for 1 to 98 days."
  }
}
