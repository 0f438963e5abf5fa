# Write-only arguments, which keep the deployment's keys out of the state, need Terraform 1.11.
terraform {
  required_version = ">= 1.11"

  required_providers {
    archive = {
      source  = "hashicorp/archive"
      version = "~> 2.7"
    }
    google = {
      source  = "hashicorp/google"
      version = "~> 8.0"
    }
    random = {
      source  = "hashicorp/random"
      version = "~> 3.7"
    }
  }

  # The bucket and the prefix come with `terraform init -backend-config=…`: each environment has a state of its own (README.md).
  backend "gcs" {}
}

provider "google" {
  project = var.project
  region  = var.region

  # Quotas of the called APIs are the deployed project's, whoever's credentials call them; the budget's API asks for it.
  billing_project       = var.project
  user_project_override = true

  default_labels = {
    app         = "fanfare"
    environment = var.environment
  }
}

data "google_project" "this" {
  project_id = var.project
}
