# With a key of the operator's own (`kms_key`), what rests in the cloud is encrypted with it: documents, files, messages,
# secrets. Each service encrypts through an agent of its own, which must be allowed to use the key.
# https://cloud.google.com/kms/docs/compatible-services
locals {
  encrypting_agents = {
    documents = "gcp-sa-firestore"
    files     = "gs-project-accounts"
    messages  = "gcp-sa-pubsub"
    secrets   = "gcp-sa-secretmanager"
  }
}

resource "google_kms_crypto_key_iam_member" "agent" {
  for_each      = var.kms_key == null ? {} : local.encrypting_agents
  crypto_key_id = var.kms_key
  role          = "roles/cloudkms.cryptoKeyEncrypterDecrypter"
  member        = "serviceAccount:service-${data.google_project.this.number}@${each.value}.iam.gserviceaccount.com"
  depends_on    = [google_project_service.api]
}
