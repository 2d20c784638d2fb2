terraform {
  required_version = ">= 1.9"
  required_providers {
    google = {
      source  = "hashicorp/google"
      version = "~> 8.7"
    }
  }
  backend "gcs" {} # infra/deploy.py names the bucket
}

provider "google" {
  project               = var.project
  region                = var.region
  billing_project       = var.project
  user_project_override = true # budgets and monitoring bill their calls to the project, not to the caller
  default_labels        = { application = "onestop" }
}
