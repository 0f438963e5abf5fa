# What an environment may choose. Everything else is the same everywhere and stands where it is used.

variable "project" {
  description = "The Google Cloud project: one for each environment, because functions, queues and jobs have the same names in all of them."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{4,28}[a-z0-9]$", var.project))
    error_message = "A project id has 6 to 30 lower-case letters, digits and hyphens, and begins with a letter."
  }
}

variable "environment" {
  description = "The environment's name: a label on everything, and the GitHub environment whose jobs may deploy here."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,30}$", var.environment))
    error_message = "The environment is a lower-case word such as dev or prod."
  }
}

variable "region" {
  description = "The region of the functions, the queues and the jobs."
  type        = string
  default     = "us-central1"

  validation {
    condition     = can(regex("^[a-z]+-[a-z]+[0-9]+$", var.region))
    error_message = "The region is one such as us-central1 or europe-west3."
  }
}

variable "firestore_location" {
  description = "Where the database lives, for ever: a multi-region (nam5, eur3), or the region of the functions at half the price."
  type        = string
  default     = "nam5"
}

variable "firestore_database" {
  description = "The database's name. Only (default) has a free tier."
  type        = string
  default     = "(default)"

  validation {
    condition     = var.firestore_database == "(default)" || can(regex("^[a-z][a-z0-9-]{2,61}[a-z0-9]$", var.firestore_database))
    error_message = "A database is named (default), or by 4 to 63 lower-case letters, digits and hyphens."
  }
}

variable "deletion_protection" {
  description = "Whether the database and the deployment's keys can't be deleted, by anybody, until this is switched off and applied."
  type        = bool
  default     = true
}

variable "purge" {
  description = "Whether `terraform destroy` deletes the database and the deployment's keys too. It must be applied before it counts, and needs deletion_protection off."
  type        = bool
  default     = false

  validation {
    condition     = !(var.purge && var.deletion_protection)
    error_message = "purge needs deletion_protection = false."
  }
}

variable "adopt_kept" {
  description = "Whether the database and the deployment's keys that an earlier `terraform destroy` has kept are taken over instead of created."
  type        = bool
  default     = false
}

variable "create_keys" {
  description = "Whether each key gets its first version. False as soon as a first version has been destroyed after a rotation, and for keys that an earlier deployment has kept."
  type        = bool
  default     = true

  validation {
    condition     = !(var.create_keys && var.adopt_kept)
    error_message = "Keys that were kept have their versions: set create_keys = false."
  }
}

variable "backup_retention_days" {
  description = "How long a daily backup of the database is kept, in days."
  type        = number
  default     = 7

  validation {
    condition     = var.backup_retention_days >= 1 && var.backup_retention_days <= 98
    error_message = "Firestore keeps backups for 1 to 98 days."
  }
}

variable "instances" {
  description = "How many instances a function has at least and at most, where that differs from functions.tf."
  type        = map(object({ min = optional(number, 0), max = optional(number) }))
  default     = {}

  validation {
    condition     = length(setsubtract(keys(var.instances), ["api", "stream", "send", "fanout", "webhook", "keepalive", "schedule", "cleanup", "rollup"])) == 0
    error_message = "instances names functions only."
  }
  validation {
    condition     = alltrue([for range in values(var.instances) : range.min >= 0 && (range.max == null || try(range.max >= max(range.min, 1), false))])
    error_message = "The least number of instances is 0 or more; the greatest is 1 or more, and not less than the least."
  }
}

variable "allowed_hosts" {
  description = "Host names of its own domains that api and stream answer for, besides those that Cloud Run gives them."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for host in var.allowed_hosts : can(regex("^[a-z0-9.-]+$", host))])
    error_message = "A host name has no scheme, no port and no path."
  }
}

variable "cors_origins" {
  description = "Origins of the deployment's own web pages, besides the console's."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for origin in var.cors_origins : can(regex("^https://[a-z0-9.:-]+$", origin))])
    error_message = "An origin is https:// and a host, without a slash at the end: a deployed function refuses any other."
  }
}

variable "trusted_proxy_hops" {
  description = "How many proxies in front of the functions append to X-Forwarded-For: 1 for Cloud Run itself, 2 behind a load balancer."
  type        = number
  default     = 1

  validation {
    condition     = var.trusted_proxy_hops >= 0 && var.trusted_proxy_hops <= 9 && floor(var.trusted_proxy_hops) == var.trusted_proxy_hops
    error_message = "A whole number from 0 to 9."
  }
}

variable "log_level" {
  description = "The least severe log line that the functions write."
  type        = string
  default     = "INFO"

  validation {
    condition     = contains(["DEBUG", "INFO", "WARNING", "ERROR"], var.log_level)
    error_message = "One of DEBUG, INFO, WARNING, ERROR."
  }
}

variable "otlp_endpoint" {
  description = "Where traces are sent to over OTLP/HTTP, without /v1/traces. None are recorded if it is empty."
  type        = string
  default     = ""

  validation {
    condition     = var.otlp_endpoint == "" || startswith(var.otlp_endpoint, "https://")
    error_message = "An https address, or empty."
  }
}

variable "sentry_dsn" {
  description = "The DSN of the Sentry project that errors are told to. Nobody is told if it is empty. Its key can only send errors: Sentry does not count it as a secret."
  type        = string
  default     = ""

  validation {
    condition     = var.sentry_dsn == "" || startswith(var.sentry_dsn, "https://")
    error_message = "An https address, or empty."
  }
}

variable "log_retention_days" {
  description = "How long the project's log lines are kept, in days. Beyond 30 they cost."
  type        = number
  default     = 30

  validation {
    condition     = var.log_retention_days >= 1 && var.log_retention_days <= 3650
    error_message = "Cloud Logging keeps lines for 1 to 3,650 days."
  }
}

variable "use_kms" {
  description = "Whether a Cloud KMS key of this project wraps the tenants' data keys, instead of the secret fanfare-data-key. A deployment that has the secret needs keep_data_key with it."
  type        = bool
  default     = false
}

variable "keep_data_key" {
  description = "Whether the secret fanfare-data-key stays although use_kms is set: data keys that it has wrapped can be read until all are rotated."
  type        = bool
  default     = false
}

variable "console" {
  description = "Whether the web console is published on Firebase Hosting; its pages may then call the API."
  type        = bool
  default     = false
}

variable "firestore_listeners" {
  description = "Whether apps may sign in with the tokens of POST /api/v1/stream-token and listen in Firestore. It switches on Identity Platform, for which Google bills active users beyond its free tier."
  type        = bool
  default     = false
}

variable "alert_email" {
  description = "Who is told by the alerts; nobody if empty."
  type        = string
  default     = ""

  validation {
    condition     = var.alert_email == "" || can(regex("^[^@ ]+@[^@ ]+$", var.alert_email))
    error_message = "An e-mail address, or nothing."
  }
}

variable "billing_account" {
  description = "The billing account (XXXXXX-XXXXXX-XXXXXX) that the budget watches; no budget if empty."
  type        = string
  default     = ""

  validation {
    condition     = var.billing_account == "" || can(regex("^[0-9A-F]{6}-[0-9A-F]{6}-[0-9A-F]{6}$", var.billing_account))
    error_message = "A billing account is three groups of six hexadecimal digits."
  }
}

variable "monthly_budget" {
  description = "What a month may cost before somebody is told, in whole units of the billing account's currency."
  type        = number
  default     = 50

  validation {
    condition     = var.monthly_budget >= 1 && floor(var.monthly_budget) == var.monthly_budget
    error_message = "A whole number of 1 or more."
  }
}

variable "github_repository" {
  description = "The GitHub repository (owner/name) whose workflows may deploy, without a key; none if empty."
  type        = string
  default     = ""

  validation {
    condition     = var.github_repository == "" || can(regex("^[A-Za-z0-9-]+/[A-Za-z0-9._-]+$", var.github_repository))
    error_message = "A repository is owner/name."
  }
}
