# Values never enter Terraform's state: infra/deploy.py adds the first versions, docs/operations.md tells how to rotate.

locals {
  secrets = {
    "secret-keys" = "ONESTOP_SECRET_KEYS" # signs links, cookies and addresses
    "smtp-relays" = "ONESTOP_SMTP_RELAYS"
  }
  secrets_of = {
    for id, target in local.targets : id => {
      for secret, key in local.secrets : secret => key if secret != "smtp-relays" || contains(target.uses, "mail")
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
