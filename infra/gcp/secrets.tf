# Values never enter Terraform's state: infra/deploy.py adds the first versions, docs/operations.md tells how to rotate.

locals {
  secrets = {
    "secret-keys"    = { setting = "ONESTOP_SECRET_KEYS", use = "" }    # signs links, forms and addresses
    "desk-keys"      = { setting = "ONESTOP_DESK_KEYS", use = "staff" } # signs what makes a browser a colleague's
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
        dynamic "customer_managed_encryption" {
          for_each = var.kms_key == null ? [] : [var.kms_key]
          content {
            kms_key_name = customer_managed_encryption.value
          }
        }
      }
    }
  }
  depends_on = [google_project_service.api, google_kms_crypto_key_iam_member.agent]
}
