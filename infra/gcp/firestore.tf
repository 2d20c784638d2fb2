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

  expiring = toset([for collection, rules in local.topology.store : collection if try(rules.ttl, false)])
  unindexed = merge([
    for collection, rules in local.topology.store : {
      for field in concat(try(rules.unindexed, []), ["_nonce"]) : "${collection} ${field}" => { collection = collection, field = field }
    }
  ]...)
}

resource "google_firestore_database" "store" {
  name                              = "(default)" # the one with a free quota
  location_id                       = coalesce(var.firestore_location, var.region)
  type                              = "FIRESTORE_NATIVE"
  concurrency_mode                  = "OPTIMISTIC"
  point_in_time_recovery_enablement = "POINT_IN_TIME_RECOVERY_ENABLED"
  delete_protection_state           = "DELETE_PROTECTION_ENABLED"
  deletion_policy                   = "ABANDON"
  depends_on                        = [google_project_service.api]
}

resource "google_firestore_backup_schedule" "daily" {
  database  = google_firestore_database.store.name
  retention = "${14 * 24 * 3600}s"
  daily_recurrence {}
}

resource "google_firestore_index" "index" {
  for_each   = local.indexes
  database   = google_firestore_database.store.name
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
  database   = google_firestore_database.store.name
  collection = each.key
  field      = "expire_at"
  ttl_config {}
  index_config {}
}

# Fields that no query names: an index entry for each of their values would cost time, money and the size limit.
# `_nonce` is the adapter's own (shared/adapters/cloud/firestore.py).
resource "google_firestore_field" "unindexed" {
  for_each   = local.unindexed
  database   = google_firestore_database.store.name
  collection = each.value.collection
  field      = each.value.field
  index_config {}
}
