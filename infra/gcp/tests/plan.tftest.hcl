# `terraform test` with no cloud in reach: what would be created follows the topology.

mock_provider "google" {
  override_during = plan
  mock_data "google_project" {
    defaults = { number = "123456789012" }
  }
}

variables {
  project     = "onestop-test"
  domain      = "register.example.org"
  mail_from   = "Secretariat <noreply@example.org>"
  alert_email = "operator@example.org"
  runtime     = "python311"
  packages = {
    registration = "build/registration-0123456789ab.zip"
    inquiries    = "build/inquiries-0123456789ab.zip"
    notification = "build/notification-0123456789ab.zip"
  }
}

run "follows_the_topology" {
  command = plan

  assert {
    condition = toset(keys(google_cloudfunctions2_function.target)) == toset(flatten([
      for function, targets in jsondecode(file("topology.json")).functions : [for name, _ in targets : "${function}-${name}"]
    ]))
    error_message = "every target of the topology is a function, and nothing else is"
  }
  assert {
    condition     = toset(keys(google_pubsub_topic.topic)) == toset(keys(jsondecode(file("topology.json")).topics))
    error_message = "every topic of the topology exists"
  }
  assert {
    condition     = toset(keys(google_pubsub_subscription.push)) == toset(keys(jsondecode(file("topology.json")).subscriptions))
    error_message = "every subscription of the topology exists"
  }
  assert {
    condition     = toset(keys(google_cloud_scheduler_job.schedule)) == toset(keys(jsondecode(file("topology.json")).schedules))
    error_message = "every schedule of the topology exists"
  }
}

run "pushes_what_is_handled" {
  command = plan

  assert {
    condition     = google_pubsub_subscription.push["registration-registrations"].filter == "attributes.type=\"links.wanted\" OR attributes.type=\"registration.mail_wanted\" OR attributes.type=\"registration.registered_again\" OR attributes.type=\"registration.seats_released\""
    error_message = "a subscription gets the events of its types"
  }
  assert {
    condition     = alltrue([for name, s in google_pubsub_subscription.push : try(length(s.filter), 0) <= 256])
    error_message = "Pub/Sub takes filters of 256 bytes"
  }
  assert {
    condition     = alltrue([for name, s in google_pubsub_subscription.push : try(length(s.filter), 0) == 0 || length(try(jsondecode(file("topology.json")).subscriptions[name].types, [])) > 0])
    error_message = "where the topology names no types, everything comes: ticks and dead letters above all"
  }
}

run "keeps_events_targets_private" {
  command = plan

  assert {
    condition     = alltrue([for id, f in google_cloudfunctions2_function.target : f.service_config[0].ingress_settings == (endswith(id, "-events") ? "ALLOW_INTERNAL_ONLY" : "ALLOW_INTERNAL_AND_GCLB")])
    error_message = "events targets take internal traffic only, the others also the load balancer's"
  }
  assert {
    condition     = alltrue([for id, member in google_cloud_run_v2_service_iam_member.front : !endswith(id, "-events")])
    error_message = "nobody but the pusher may call an events target"
  }
  assert {
    condition     = alltrue([for id in keys(google_compute_backend_service.front) : !endswith(id, "-events")])
    error_message = "the load balancer does not reach events targets"
  }
  assert {
    condition = alltrue([for s in google_pubsub_subscription.push : (
      s.push_config[0].oidc_token[0].audience == s.push_config[0].push_endpoint &&
      startswith(s.push_config[0].push_endpoint, "https://onestop-")
    )])
    error_message = "every push carries a token for the function that it reaches"
  }
  assert {
    condition     = google_cloudfunctions2_function.target["notification-events"].service_config[0].environment_variables["ONESTOP_PUSH_AUDIENCE"] == google_pubsub_subscription.push["notification-registrations"].push_config[0].oidc_token[0].audience
    error_message = "a function expects the audience that its subscriptions state"
  }
}

run "gives_up_only_into_dead_letters" {
  command = plan

  assert {
    condition     = alltrue([for name, s in google_pubsub_subscription.push : length(s.dead_letter_policy) == (name == "notification-dead-letters" ? 0 : 1)])
    error_message = "every subscription but that of the dead letters has a dead-letter policy"
  }
  assert {
    condition     = alltrue([for s in google_pubsub_subscription.push : s.message_retention_duration == "604800s"])
    error_message = "messages live for seven days"
  }
}

run "grants_what_targets_use" {
  command = plan

  assert {
    condition     = toset(keys(google_secret_manager_secret_iam_member.reader)) == setunion(toset([for id in keys(google_service_account.target) : "${id} secret-keys"]), toset([for id in keys(google_service_account.target) : "${id} desk-keys" if endswith(id, "-desk")]), ["notification-events smtp-relays", "inquiries-web inbound-secret"])
    error_message = "only desks can sign a session, only notification.events reads the relays' passwords, only inquiries.web the inbound hook's secret"
  }
  assert {
    condition     = !contains(keys(google_pubsub_topic_iam_member.publisher), "registration-web inquiries")
    error_message = "registration does not publish on the topic of inquiries"
  }
  assert {
    condition     = toset(keys(google_storage_bucket_iam_member.files)) == toset([for id in keys(google_service_account.target) : id if startswith(id, "inquiries-")])
    error_message = "only inquiries reaches the files"
  }
  assert {
    condition     = length(google_project_iam_member.traces) == 0
    error_message = "no function sends spans unless asked"
  }
}

run "keeps_staff_apart" {
  command = plan

  assert {
    condition     = toset(keys(google_firestore_database.store)) == toset(["(default)", "staff"])
    error_message = "staff and their sessions lie in a database of their own"
  }
  assert {
    condition     = toset([for key, member in google_project_iam_member.store : key if member.role == "roles/datastore.user" && endswith(key, " staff")]) == toset(["registration-desk staff", "inquiries-desk staff", "notification-desk staff"])
    error_message = "only desks write who is staff and who is signed in"
  }
  assert {
    condition     = toset([for key, member in google_project_iam_member.store : key if member.role == "roles/datastore.viewer"]) == toset(["inquiries-web staff", "inquiries-events staff", "notification-events staff"])
    error_message = "inquiries and the sender of mails read who is staff, and registration.web does not even that"
  }
  assert {
    condition     = google_project_iam_member.store["registration-web (default)"].condition[0].expression == "resource.name == \"projects/onestop-test/databases/(default)\""
    error_message = "a right is for one database"
  }
}

run "keeps_documents_safe" {
  command = plan

  assert {
    condition     = alltrue([for database in google_firestore_database.store : database.point_in_time_recovery_enablement == "POINT_IN_TIME_RECOVERY_ENABLED"])
    error_message = "the last seven days can be read back"
  }
  assert {
    condition     = alltrue([for database in google_firestore_database.store : database.delete_protection_state == "DELETE_PROTECTION_ENABLED"])
    error_message = "no database can be deleted by mistake"
  }
  assert {
    condition     = keys(google_firestore_backup_schedule.daily) == keys(google_firestore_database.store)
    error_message = "every database is backed up"
  }
  assert {
    condition     = google_storage_bucket.files.public_access_prevention == "enforced" && google_storage_bucket.files.uniform_bucket_level_access
    error_message = "attachments are never public"
  }
}

run "keeps_copies_no_longer_than_promised" {
  command = plan

  assert {
    condition     = alltrue([for schedule in google_firestore_backup_schedule.daily : schedule.retention == "1209600s"])
    error_message = "backups age out in 14 days: docs/operations.md promises it to erased people"
  }
  assert {
    condition     = alltrue([for topic in google_pubsub_topic.topic : topic.message_retention_duration == (topic.name == "dead-letters" ? "1209600s" : "86400s")])
    error_message = "dead letters live no longer than backups, and a day of events is there for a subscription that is made anew"
  }
  assert {
    condition     = google_storage_bucket.files.soft_delete_policy[0].retention_duration_seconds == 604800
    error_message = "a deleted file is gone in seven days"
  }
}

run "writes_down_who_looked_and_no_personal_link" {
  command = plan

  assert {
    condition     = toset(keys(google_project_iam_audit_config.data_access)) == toset(["datastore.googleapis.com", "storage.googleapis.com", "pubsub.googleapis.com", "secretmanager.googleapis.com"])
    error_message = "whoever reads data other than through our pages is logged"
  }
  assert {
    condition     = google_logging_project_exclusion.bearer_links.filter == "httpRequest.requestUrl=~\"/(r|i|desk/sign-in|registered)/\" OR httpRequest.referer=~\"/(r|i|desk/sign-in|registered)/\""
    error_message = "no request log holds a personal link"
  }
}

run "uses_googles_keys_unless_told" {
  command = plan

  assert {
    condition     = length(google_kms_crypto_key_iam_member.agent) == 0 && alltrue([for database in google_firestore_database.store : length(database.cmek_config) == 0])
    error_message = "without a key of the operator's own, Google's encrypt"
  }
}

run "encrypts_with_the_operators_key" {
  command = plan
  variables {
    kms_key = "projects/keys/locations/europe-west1/keyRings/onestop/cryptoKeys/data"
  }

  assert {
    condition = alltrue(concat(
      [for database in google_firestore_database.store : database.cmek_config[0].kms_key_name == var.kms_key],
      [for topic in google_pubsub_topic.topic : topic.kms_key_name == var.kms_key],
      [for secret in google_secret_manager_secret.secret : secret.replication[0].user_managed[0].replicas[0].customer_managed_encryption[0].kms_key_name == var.kms_key],
      [google_storage_bucket.files.encryption[0].default_kms_key_name == var.kms_key],
    ))
    error_message = "documents, messages, secrets and files rest under the operator's key"
  }
  assert {
    condition     = length(google_kms_crypto_key_iam_member.agent) == 4
    error_message = "each service that encrypts may use the key"
  }
}

run "leaves_the_desk_to_mail_sign_in" {
  command = plan

  assert {
    condition     = google_cloud_run_v2_service_iam_member.front["inquiries-desk"].member == "allUsers"
    error_message = "without Identity-Aware Proxy the load balancer must reach the desk"
  }
}

run "puts_the_desk_behind_identity_aware_proxy" {
  command = plan
  variables {
    desk_members = ["group:staff@example.org"]
  }

  assert {
    condition     = google_cloud_run_v2_service_iam_member.front["inquiries-desk"].member == "serviceAccount:service-123456789012@gcp-sa-iap.iam.gserviceaccount.com"
    error_message = "only the proxy calls the desk"
  }
  assert {
    condition     = google_cloud_run_v2_service_iam_member.front["inquiries-web"].member == "allUsers"
    error_message = "the public pages stay public"
  }
  assert {
    condition     = length(google_compute_backend_service.front["registration-desk"].iap) == 1 && length(google_compute_backend_service.front["registration-web"].iap) == 0
    error_message = "the proxy stands before desks and only there"
  }
}

run "sends_traces_where_asked" {
  command = plan
  variables {
    traces = "always_on"
  }

  assert {
    condition     = alltrue([for f in google_cloudfunctions2_function.target : f.service_config[0].environment_variables["OTEL_SERVICE_NAME"] == f.name])
    error_message = "every function sends its spans under its own name"
  }
  assert {
    condition     = keys(google_project_iam_member.traces) == keys(google_service_account.target)
    error_message = "every function may send spans"
  }
}

run "alerts_on_spending" {
  command = plan
  variables {
    budget = { billing_account = "0A0A0A-1B1B1B-2C2C2C", amount = 100 }
  }

  assert {
    condition     = google_billing_budget.monthly[0].amount[0].specified_amount[0].units == "100"
    error_message = "the budget has the given amount"
  }
}

run "refuses_a_url_for_a_domain" {
  command = plan
  variables {
    domain = "https://register.example.org/"
  }
  expect_failures = [var.domain]
}

run "refuses_a_missing_package" {
  command = plan
  variables {
    packages = { registration = "build/registration-0123456789ab.zip" }
  }
  expect_failures = [var.packages]
}

run "refuses_an_unknown_target" {
  command = plan
  variables {
    min_instances = { registration-wev = 1 }
  }
  expect_failures = [var.min_instances]
}

run "refuses_an_unknown_choice_of_traces" {
  command = plan
  variables {
    traces = "all"
  }
  expect_failures = [var.traces]
}

run "refuses_a_key_that_is_no_key" {
  command = plan
  variables {
    kms_key = "data"
  }
  expect_failures = [var.kms_key]
}

run "refuses_a_desk_member_without_kind" {
  command = plan
  variables {
    desk_members = ["staff@example.org"]
  }
  expect_failures = [var.desk_members]
}
