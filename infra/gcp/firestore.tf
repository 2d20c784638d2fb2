locals {
  # An index ends in the document's id by itself; one field alone is indexed by Firestore without being asked.
  indexes = merge([
    for collection, rules in local.topology.store : merge([
      for direction, lists in { ASCENDING = try(rules.indexes, []), DESCENDING = try(rules.descending, []) } : {
        for fields in lists : join(" ", concat([collection, lower(direction)], fields)) => {
          collection = collection
          fields     = [for field in fields : field if field != "id"]
          direction  = direction
        } if length([for field in fields : field if field != "id"]) > 1
      }
    ]...)
  ]...)

  database_of = { for collection, rules in local.topology.store : collection => try(rules.database, "(default)") }
  databases   = toset(concat(["(default)"], values(local.database_of))) # the default one has a free quota

  expiring = toset([for collection, rules in local.topology.store : collection if try(rules.ttl, false)])
  unindexed = merge([
    for collection, rules in local.topology.store : {
      for field in concat(try(rules.unindexed, []), ["_nonce"]) : "${collection} ${field}" => { collection = collection, field = field }
    }
  ]...)
}

resource "google_firestore_database" "store" {
  for_each                          = local.databases
  name                              = each.key
  location_id                       = coalesce(var.firestore_location, var.region)
  type                              = "FIRESTORE_NATIVE"
  concurrency_mode                  = "OPTIMISTIC"
  point_in_time_recovery_enablement = "POINT_IN_TIME_RECOVERY_ENABLED"
  delete_protection_state           = "DELETE_PROTECTION_ENABLED"
  deletion_policy                   = "ABANDON"

  dynamic "cmek_config" {
    for_each = var.kms_key == null ? [] : [var.kms_key]
    content {
      kms_key_name = cmek_config.value
    }
  }

  depends_on = [google_project_service.api, google_kms_crypto_key_iam_member.agent]
}

moved {
  from = google_firestore_database.store
  to   = google_firestore_database.store["(default)"]
}

# As long as an erased person may still be found in a copy: docs/operations.md, "Erasing a person".
resource "google_firestore_backup_schedule" "daily" {
  for_each  = google_firestore_database.store
  database  = each.value.name
  retention = "${14 * 24 * 3600}s"
  daily_recurrence {}
}

moved {
  from = google_firestore_backup_schedule.daily
  to   = google_firestore_backup_schedule.daily["(default)"]
}

resource "google_firestore_index" "index" {
  for_each   = local.indexes
  database   = google_firestore_database.store[local.database_of[each.value.collection]].name
  collection = each.value.collection

  dynamic "fields" {
    for_each = each.value.fields
    content {
      field_path   = trimsuffix(fields.value, "[]")
      array_config = endswith(fields.value, "[]") ? "CONTAINS" : null
      order        = endswith(fields.value, "[]") ? null : fields.key == length(each.value.fields) - 1 ? each.value.direction : "ASCENDING"
    }
  }
}

# Documents that Firestore erases by itself after `expire_at`, which nothing queries.
resource "google_firestore_field" "expiry" {
  for_each   = local.expiring
  database   = google_firestore_database.store[local.database_of[each.key]].name
  collection = each.key
  field      = "expire_at"
  ttl_config {}
  index_config {}
}

# Fields that no query names: an index entry for each of their values would cost time, money and the size limit.
# `_nonce` is the adapter's own (shared/adapters/cloud/firestore.py).
resource "google_firestore_field" "unindexed" {
  for_each   = local.unindexed
  database   = google_firestore_database.store[local.database_of[each.value.collection]].name
  collection = each.value.collection
  field      = each.value.field
  index_config {}
}
