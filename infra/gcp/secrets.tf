# Values never enter Terraform's state: infra/deploy.py adds the first versions, docs/operations.md tells how to rotate.

locals {
  secrets = {
    "secret-keys"    = { setting = "ONESTOP_SECRET_KEYS", use = "" } # signs links, cookies and addresses
    "smtp-relays"    = { setting = "ONESTOP_SMTP_RELAYS", use = "mail" }
    "inbound-secret" = { setting = "ONESTOP_INBOUND_SECRET", use = "inbound" } # the mail provider's hook knows it
  }
  secrets_of = {
    for id, target in local.targets : id => {
      for secret, rule in local.secrets : secret => rule.setting if rule.use == "" || contains(target.uses, rule.use)
    }
  }
}

resource "google_secret_manager_secret" "secret" {
  for_each  = local.secrets
  secret_id = "onestop-${each.key}"
  replication {
    user_managed {
      replicas {
        location = var.region
      }
    }
  }
  depends_on = [google_project_service.api]
}
