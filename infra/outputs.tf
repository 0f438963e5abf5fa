output "api_url" {
  description = "The API's address: FANFARE_URL of clients and of the command line."
  value       = local.urls["api"]
}

output "stream_url" {
  description = "The address of GET /api/v1/events/stream."
  value       = local.urls["stream"]
}

output "function_urls" {
  description = "Every function's address, which is also the audience of the tokens that it is called with."
  value       = local.urls
}

output "function_service_accounts" {
  description = "What each function runs as."
  value       = { for name, account in google_service_account.function : name => account.email }
}

output "tasks_service_account" {
  description = "What Cloud Tasks calls functions as."
  value       = google_service_account.tasks.email
}

output "scheduler_service_account" {
  description = "What Cloud Scheduler calls functions as."
  value       = google_service_account.scheduler.email
}

output "source_archive" {
  description = "The archive that the functions run, named by its hash."
  value       = google_storage_bucket_object.functions.name
}

output "console" {
  description = "Whether the console is to be published on Firebase Hosting after this."
  value       = var.console
}

output "dashboard" {
  description = "Where the dashboard is."
  value       = "https://console.cloud.google.com/monitoring/dashboards/builder/${basename(google_monitoring_dashboard.fanfare.id)}?project=${var.project}"
}

output "github_provider" {
  description = "The workload identity provider for GitHub's workflows; none if empty."
  value       = one([for provider in google_iam_workload_identity_pool_provider.github : provider.name])
}

output "github_service_account" {
  description = "What GitHub's workflows deploy as; none if empty."
  value       = one([for account in google_service_account.deployer : account.email])
}
