variable "project" {
  description = "Google Cloud project that holds onestop and nothing else."
  type        = string
  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{4,28}[a-z0-9]$", var.project))
    error_message = "project must be a project id (6 to 30 lowercase letters, digits, hyphens), not a name or a number."
  }
}

variable "region" {
  description = "Region of the functions, the queue and the files."
  type        = string
  default     = "europe-west1"
  validation {
    condition     = can(regex("^[a-z]+-[a-z]+[0-9]+$", var.region))
    error_message = "region must be a region such as europe-west1, not a zone."
  }
}

variable "firestore_location" {
  description = "Where the documents live; it can never be changed. The region itself, or a multi-region such as eur3."
  type        = string
  default     = null
}

variable "domain" {
  description = "Host name of the one origin; its DNS A record must point at the output `address`."
  type        = string
  validation {
    condition     = can(regex("^([a-z0-9-]+\\.)+[a-z]{2,}$", var.domain))
    error_message = "domain must be a host name such as register.example.org, without https:// and without a path."
  }
}

variable "packages" {
  description = "Path of each function's zip, by function; `make build` writes build/packages.tfvars.json."
  type        = map(string)
  validation {
    condition     = alltrue([for name, path in var.packages : can(regex("^${name}-[0-9a-f]{12}\\.zip$", basename(path)))])
    error_message = "packages must name files such as registration-0123456789ab.zip: run `make build`."
  }
  validation {
    condition     = toset(keys(var.packages)) == toset(keys(local.topology.functions))
    error_message = "packages must hold one zip for each function of the topology: run `make build`."
  }
}

variable "runtime" {
  description = "Python of the functions: the one for which the zips' bytecode was made."
  type        = string
  validation {
    condition     = can(regex("^python3[0-9]{2}$", var.runtime))
    error_message = "runtime must be a Cloud Run functions runtime such as python311."
  }
}

variable "mail_from" {
  description = "Sender of every mail, e.g. `Secretariat <noreply@example.org>`."
  type        = string
  validation {
    condition     = can(regex("^[^<>@]*<[^<>@ ]+@[^<>@ ]+>$", var.mail_from))
    error_message = "mail_from must read `Name <address@domain>`."
  }
}

variable "smtputf8" {
  description = "Whether a relay takes addresses with letters beyond ASCII before the @ (SMTPUTF8, RFC 6531)."
  type        = bool
  default     = false
}

variable "reply_domain" {
  description = "Domain whose mail the provider's inbound hook brings here; null: that of mail_from."
  type        = string
  default     = null
}

variable "inbound_authserv" {
  description = "The mail provider's id in the Authentication-Results that it writes (RFC 8601), e.g. mx.provider.example; null: no sender counts as verified, and replies by mail wait at the desk."
  type        = string
  default     = null
  validation {
    condition     = var.inbound_authserv == null || can(regex("^[^\\s;()\"]+$", var.inbound_authserv))
    error_message = "inbound_authserv is the first word of the provider's Authentication-Results header."
  }
}

variable "allowed_origins" {
  description = "Other sites whose pages may call the API (CORS), e.g. https://www.example.org."
  type        = list(string)
  default     = []
  validation {
    condition     = alltrue([for origin in var.allowed_origins : can(regex("^https://[a-z0-9.-]+(:[0-9]+)?$", origin))])
    error_message = "allowed_origins are https origins without a path or a trailing slash."
  }
}

variable "min_instances" {
  description = "Instances that stay warm, by target (`registration-web = 1`); others start from nothing."
  type        = map(number)
  default     = {}
  validation {
    condition     = alltrue([for target, count in var.min_instances : contains(keys(local.targets), target) && count >= 0])
    error_message = "min_instances names targets such as registration-web and counts from 0."
  }
}

variable "rate_limit" {
  description = "Requests a minute from one network address before 429. Whole delegations share one address: be generous."
  type        = object({ pages = number, forms = number, inbound_mail = number })
  default     = { pages = 1200, forms = 120, inbound_mail = 600 }
  validation {
    condition     = alltrue([for limit in values(var.rate_limit) : limit >= 10 && limit <= 10000])
    error_message = "rate_limit values lie between 10 and 10000 a minute."
  }
}

variable "desk_members" {
  description = "Who passes Identity-Aware Proxy to the desk (`group:staff@example.org`); empty: no proxy, sign-in by mail."
  type        = list(string)
  default     = []
  validation {
    condition     = alltrue([for member in var.desk_members : can(regex("^(user|group|domain|serviceAccount|principal|principalSet):", member))])
    error_message = "desk_members are IAM principals such as group:staff@example.org."
  }
}

variable "alert_email" {
  description = "Who is told when something is wrong."
  type        = string
  validation {
    condition     = can(regex("^[^@ ]+@[^@ ]+$", var.alert_email))
    error_message = "alert_email must be one mail address."
  }
}

variable "kms_key" {
  description = "Key of Cloud KMS that encrypts documents, files, messages and secrets; null: Google's own keys."
  type        = string
  default     = null
  validation {
    condition     = var.kms_key == null ? true : can(regex("^projects/[^/]+/locations/[^/]+/keyRings/[^/]+/cryptoKeys/[^/]+$", var.kms_key))
    error_message = "kms_key must read projects/P/locations/L/keyRings/R/cryptoKeys/K, in the location of the documents."
  }
}

variable "traces" {
  description = "Which traces go to Cloud Trace: `parentbased_always_on` (those that Cloud Run samples), `always_on`; null: none."
  type        = string
  default     = null
  validation {
    condition     = var.traces == null ? true : contains(["parentbased_always_on", "always_on"], var.traces)
    error_message = "traces must be parentbased_always_on or always_on."
  }
}

variable "budget" {
  description = "Monthly budget alert in the billing account's currency; null: none."
  type        = object({ billing_account = string, amount = number })
  default     = null
  validation {
    condition     = try(var.budget.amount > 0 && can(regex("^[0-9A-F]{6}-[0-9A-F]{6}-[0-9A-F]{6}$", var.budget.billing_account)), var.budget == null)
    error_message = "budget needs a billing_account such as 0A0A0A-1B1B1B-2C2C2C and an amount above 0."
  }
}
