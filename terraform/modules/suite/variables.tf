variable "project_id" {
  description = "Project of the gateway: nothing else lives in it."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{4,28}[a-z0-9]$", var.project_id))
    error_message = "That is no project id."
  }
}

variable "deployer" {
  description = "Account that applies this. Under the deny policy it must still be able to give upstream accounts their roles."
  type        = string

  validation {
    condition     = endswith(var.deployer, ".gserviceaccount.com")
    error_message = "The deployer is a service account."
  }
}

variable "region" {
  description = "Region of services, keys and subnetwork."
  type        = string
}

variable "location" {
  description = "Where buckets and the dataset lie: a region or a multi-region such as EU."
  type        = string
}

variable "database_location" {
  description = "Where the databases lie: a region or a multi-region such as eur3. They cannot be moved."
  type        = string
}

variable "message_regions" {
  description = "Regions in which messages and secrets may lie."
  type        = list(string)
}

variable "settings_directory" {
  description = "Directory with SERVICE.yaml for each service (what its settings hold beyond what Terraform knows) and people.yaml."
  type        = string
}

variable "images" {
  description = "Image of each service, by digest. Empty in the first apply of an installation: then everything is there but the services."
  type        = map(string)
  default     = {}

  validation {
    condition     = length(setsubtract(keys(var.images), ["proxy", "policy", "approval", "audit", "notifier", "console"])) == 0
    error_message = "There are images for proxy, policy, approval, audit, notifier and console."
  }
}

variable "sizes" {
  description = "CPUs, memory and numbers of instances of services that differ from the defaults. Of audit there is one instance, whatever stands here."
  type = map(object({
    cpu           = optional(string)
    memory        = optional(string)
    min_instances = optional(number)
    max_instances = optional(number)
    concurrency   = optional(number)
  }))
  default = {}
}

variable "http2" {
  description = "Whether the load balancer's requests reach the proxy as HTTP/2 in clear text: over HTTP/1.1 Cloud Run ends requests at 32 MiB."
  type        = bool
  default     = true
}

variable "secrets" {
  description = "Secrets by the names that settings use: the one service that reads it, and the number of the version in use. session-key is the proxy's and receipt-key the approval service's. mail-links, the key of mails' links, is the notifier's, and the console opens them with it."
  type        = map(object({ service = string, version = number }))
  default = {
    session-key = { service = "proxy", version = 1 }
    receipt-key = { service = "approval", version = 1 }
  }

  validation {
    condition     = try(var.secrets["session-key"].service, "") == "proxy" && try(var.secrets["receipt-key"].service, "") == "approval"
    error_message = "The proxy needs session-key and the approval service receipt-key."
  }

  validation {
    condition     = alltrue([for one in values(var.secrets) : contains(["proxy", "approval", "notifier", "console"], one.service) && one.version >= 1])
    error_message = "A secret belongs to the proxy, the approval service, the notifier or the console, and has a pinned version."
  }

  validation {
    condition     = try(var.secrets["mail-links"].service, "notifier") == "notifier" && (!contains(keys(var.secrets), "mail-links") || (var.console != null && var.approval_url != null))
    error_message = "mail-links is the notifier's, and its links lead to the console: that and approval_url must be there."
  }
}

variable "rotation_days" {
  description = "Days after which a new value of each secret is due; 0: nobody is reminded."
  type        = number
  default     = 0
}

variable "first_rotation" {
  description = "When that is for the first time, in RFC 3339."
  type        = string
  default     = null
}

variable "key_versions" {
  description = "Of each signing key the number of the version that signs, and those of older ones whose signatures still count."
  type        = map(object({ signs = number, trusted = optional(list(number), []) }))
  default     = {}
}

variable "key_protection" {
  description = "Protection of the signing keys: HSM or SOFTWARE."
  type        = string
  default     = "HSM"
}

variable "operators" {
  description = "Service accounts that people and pipelines impersonate to ask a service for more than others may: policy pushes sets, approval locks and revokes, audit reads the log, notifier shows deliveries."
  type        = object({ policy = list(string), approval = list(string), audit = list(string), notifier = list(string) })

  validation {
    condition     = alltrue(flatten([for accounts in values(var.operators) : [for account in accounts : endswith(account, ".gserviceaccount.com")]]))
    error_message = "Operators are service accounts: tokens that gcloud makes for a person have gcloud's own audience."
  }
}

variable "operator_hosts" {
  description = "Host at the edge of each service that operators reach from outside, by service. Empty: only from within the network."
  type        = map(string)
  default     = {}

  validation {
    condition     = length(setsubtract(keys(var.operator_hosts), ["policy", "approval", "audit", "notifier"])) == 0
    error_message = "Operators ask policy, approval, audit and notifier."
  }
}

variable "operator_ranges" {
  description = "Networks that operators come from."
  type        = list(string)
  default     = []

  validation {
    condition     = length(var.operator_hosts) == 0 || (length(var.operator_ranges) > 0 && !contains(var.operator_ranges, "*"))
    error_message = "Operators' hosts are for named networks, never for all."
  }
}

variable "door" {
  description = "Domain of the domain door, such as gw.acme.example."
  type        = string
}

variable "slack_host" {
  description = "Host that Slack posts clicks to. Null: no buttons."
  type        = string
  default     = null
}

variable "console" {
  description = "Host of the console, the groups that may open it, as IAM members by a name of your own, and the audience of Identity-Aware Proxy's assertions: the output iap_audience of the apply that made its backend. Without it people sign in twice. Null: no console."
  type        = object({ host = string, people = map(string), iap_audience = optional(string) })
  default     = null
}

variable "approval_url" {
  description = "Page of a request; {id} becomes its id."
  type        = string
  default     = null
}

variable "agent_ranges" {
  description = "Networks that agents come from. The star lets all come."
  type        = list(string)
  default     = ["*"]
}

variable "requests_per_minute" {
  description = "Requests of one address in a minute before 429."
  type        = number
  default     = 6000
}

variable "dns_zone" {
  description = "Cloud DNS zone for the names: its project and name. Null: enter the records by hand."
  type        = object({ project_id = string, name = string })
  default     = null
}

variable "upstream_project_id" {
  description = "Project of the upstream accounts. Null: the gateway's own, which only a test environment should do."
  type        = string
  default     = null
}

variable "targets" {
  description = "What calls go out as: see the identity module."
  type = map(object({
    hosts = list(string)
    tier  = string
    tiers = map(object({ roles = map(set(string)) }))
  }))
}

variable "targets_in_settings" {
  description = "Whether the proxy's settings hold the targets. False: the policy service publishes them, and a change needs no new revision."
  type        = bool
  default     = true
}

variable "guard" {
  description = "What makes the gateway unavoidable: see the identity module."
  type = object({
    guarded                = optional(string)
    exceptions             = optional(list(string), [])
    service_agent_projects = optional(list(string), [])
    organization_rules     = optional(bool, false)
    customer_ids           = optional(list(string), [])
    protect_project        = optional(bool, true)
    perimeter = optional(object({
      access_policy = string
      projects      = list(string)
      services      = list(string)
      identities    = optional(list(string), [])
      enforced      = optional(bool, false)
    }))
  })
  default = {}
}

variable "log" {
  description = "The log: days it cannot be changed, whether that is locked for ever (with lock_confirmation in words), and who may copy it."
  type = object({
    retention_days    = optional(number, 400)
    lock              = optional(bool, false)
    lock_confirmation = optional(string, "")
    readers           = optional(map(string), {})
    analysts          = optional(map(string), {})
  })
  default = {}
}

variable "attestors" {
  description = "Binary Authorization attestors (projects/P/attestors/A) whose word an image needs. Empty: no image is checked."
  type        = list(string)
  default     = []
}

variable "collector_image" {
  description = "Image, by digest, of an OpenTelemetry Collector that infra/collector/collector.yaml is written for. With it one stands beside every service and sends traces and metrics to Google Cloud. Null: no traces, and no metrics but Cloud Run's own."
  type        = string
  default     = null
}

variable "alert_emails" {
  description = "Addresses that alerts go to."
  type        = set(string)
}

variable "alert_channels" {
  description = "Full names of further notification channels."
  type        = list(string)
  default     = []
}

variable "availability_goal" {
  description = "Share of the proxy's answers that are no fault of the gateway's."
  type        = number
  default     = 0.999
}

variable "network_range" {
  description = "Addresses of the subnetwork."
  type        = string
  default     = "10.8.0.0/24"
}

variable "deletion_protection" {
  description = "Whether Terraform may not delete the services. What holds state is kept whatever stands here."
  type        = bool
  default     = true
}

variable "labels" {
  description = "Labels of everything that takes some."
  type        = map(string)
  default     = {}
}
