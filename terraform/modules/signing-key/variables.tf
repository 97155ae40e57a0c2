variable "key_ring" {
  description = "Full name of the key ring."
  type        = string
}

variable "name" {
  description = "Name of the key."
  type        = string
}

variable "signer" {
  description = "Account of the one service that signs."
  type        = string
}

variable "verifiers" {
  description = "Accounts that read the public key, by service."
  type        = map(string)
  default     = {}
}

variable "key_version" {
  description = "Number of the version that signs. Every version but the first is made by hand before it is named here."
  type        = number
  default     = 1

  validation {
    condition     = var.key_version >= 1 && floor(var.key_version) == var.key_version
    error_message = "Versions are numbered from 1."
  }
}

variable "trusted_versions" {
  description = "Numbers of older versions whose signatures still count."
  type        = list(number)
  default     = []

  validation {
    condition     = !contains(var.trusted_versions, var.key_version) && alltrue([for number in var.trusted_versions : number >= 1])
    error_message = "Older versions are numbered from 1, and the one that signs is not among them."
  }
}

variable "protection_level" {
  description = "SOFTWARE or HSM."
  type        = string
  default     = "HSM"

  validation {
    condition     = contains(["SOFTWARE", "HSM"], var.protection_level)
    error_message = "The protection level is SOFTWARE or HSM."
  }
}

variable "labels" {
  description = "Labels of the key."
  type        = map(string)
  default     = {}
}
