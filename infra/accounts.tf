# One service account for each function, so that each has exactly the rights in access.tf; one for each caller of the internal functions.

resource "google_service_account" "function" {
  for_each = local.functions

  account_id   = "fanfare-${each.key}"
  display_name = "Fanfare: the function ${each.key}"

  depends_on = [google_project_service.api]
}

resource "google_service_account" "tasks" {
  account_id   = "fanfare-tasks"
  display_name = "Fanfare: what Cloud Tasks calls functions as"

  depends_on = [google_project_service.api]
}

resource "google_service_account" "scheduler" {
  account_id   = "fanfare-scheduler"
  display_name = "Fanfare: what Cloud Scheduler calls functions as"

  depends_on = [google_project_service.api]
}

resource "google_service_account" "build" {
  account_id   = "fanfare-build"
  display_name = "Fanfare: what builds the functions' images"

  depends_on = [google_project_service.api]
}
