# Attachments and exports. Only the functions read them; nothing is ever served from the bucket.
resource "google_storage_bucket" "files" {
  name                        = "${var.project}-onestop-files"
  location                    = var.region
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"

  dynamic "encryption" {
    for_each = var.kms_key == null ? [] : [var.kms_key]
    content {
      default_kms_key_name = encryption.value
    }
  }

  soft_delete_policy {
    retention_duration_seconds = 7 * 24 * 3600 # a slip of the hand can be undone; an erased person is gone in a week
  }

  lifecycle_rule {
    action {
      type = "Delete"
    }
    condition {
      age            = 30
      matches_prefix = ["exports/"]
    }
  }

  lifecycle_rule {
    action {
      type = "AbortIncompleteMultipartUpload"
    }
    condition {
      age = 1
    }
  }

  depends_on = [google_project_service.api, google_kms_crypto_key_iam_member.agent]
}
