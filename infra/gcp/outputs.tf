output "address" {
  description = "Point the domain's DNS A record here."
  value       = google_compute_global_address.front.address
}

output "url" {
  description = "The one origin."
  value       = "https://${var.domain}"
}

output "files_bucket" {
  value = google_storage_bucket.files.name
}

output "secrets" {
  description = "Secret Manager names, by the setting they carry."
  value       = { for key, rule in local.secrets : rule.setting => google_secret_manager_secret.secret[key].secret_id }
}

output "functions" {
  description = "Cloud Run service of each target."
  value       = { for id, target in local.targets : id => google_cloudfunctions2_function.target[id].name }
}
