# Copy to onestop.tfvars (not committed) and fill in. `make deploy PROJECT=...` reads that file.
domain      = "register.example.org"
mail_from   = "Forum Secretariat <noreply@example.org>"
alert_email = "operator@example.org"

# region             = "europe-west1"
# firestore_location = "eur3"
# reply_domain       = "reply.example.org"
# allowed_origins    = ["https://www.example.org"]
# min_instances      = { registration-web = 1 }
# rate_limit         = { pages = 1200, forms = 120, inbound_mail = 600 }
# desk_members       = ["group:secretariat@example.org"]
# kms_key            = "projects/keys-project/locations/europe-west1/keyRings/onestop/cryptoKeys/data"
# traces             = "parentbased_always_on"
# budget             = { billing_account = "0A0A0A-1B1B1B-2C2C2C", amount = 100 }
