variable "project_id" {
  description = "Project of the topic."
  type        = string
}

variable "prefix" {
  description = "Stands before every id, so that it clashes with nobody else's in the project."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]*-$", var.prefix))
    error_message = "The prefix must be lower-case letters, digits and dashes, with a dash at its end."
  }
}

variable "name" {
  description = "Name of the topic without the prefix."
  type        = string
}

variable "publishers" {
  description = "Accounts that may publish, by service."
  type        = map(string)

  validation {
    condition     = alltrue([for account in values(var.publishers) : endswith(account, ".gserviceaccount.com")])
    error_message = "Publishers are service accounts."
  }
}

variable "subscriptions" {
  description = "Subscriptions of the topic, as infra/topology.json has them."
  type = list(object({
    id                 = string
    service            = string
    mode               = string
    pushPath           = optional(string)
    ackDeadlineSeconds = number
    minBackoffSeconds  = number
    maxBackoffSeconds  = number
    maxDeliveries      = number
    ordered            = bool
    filter             = string
    deadLetter         = object({ topic = string, subscription = string, ackDeadlineSeconds = number })
  }))

  validation {
    condition     = alltrue([for one in var.subscriptions : contains(["push", "pull"], one.mode) && (one.mode == "pull" || one.pushPath != null)])
    error_message = "A subscription is pushed, to a path, or pulled."
  }
}

variable "consumers" {
  description = "Account of each service that takes events."
  type        = map(string)
  default     = {}
}

variable "push" {
  description = "For each service that is pushed to: its own address without a path, and the one account that pushes to it."
  type        = map(object({ origin = string, account = string }))
  default     = {}

  validation {
    condition     = alltrue([for one in values(var.push) : can(regex("^https://[^/]+$", one.origin))])
    error_message = "An origin is https and has no path."
  }
}

variable "pubsub_agent" {
  description = "Address of the project's Pub/Sub service agent, which forwards what nobody could handle."
  type        = string
}

variable "subscription_days" {
  description = "Days that an event waits for its consumer, 1 to 31."
  type        = number
  default     = 7
}

variable "dead_letter_days" {
  description = "Days that a dead letter is kept, 1 to 31."
  type        = number
  default     = 31
}

variable "regions" {
  description = "Regions in which messages may lie."
  type        = list(string)

  validation {
    condition     = length(var.regions) > 0
    error_message = "Name at least one region."
  }
}

variable "schema" {
  description = "Schema that Pub/Sub checks messages against, in Avro or Protocol Buffers. Null, as everywhere in this suite: topics carry events of several types whose JSON Schemas the consumers check."
  type        = object({ type = string, definition = string, encoding = string })
  default     = null

  validation {
    condition     = var.schema == null || try(contains(["AVRO", "PROTOCOL_BUFFER"], var.schema.type) && contains(["JSON", "BINARY"], var.schema.encoding), false)
    error_message = "Pub/Sub knows AVRO and PROTOCOL_BUFFER, in JSON or BINARY."
  }
}

variable "labels" {
  description = "Labels of topics and subscriptions."
  type        = map(string)
  default     = {}
}
