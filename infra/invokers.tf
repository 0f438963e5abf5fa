# Who may call which function. Bindings and not members: nobody else keeps or gets the right by another hand.
#
# Public are api and stream: both ask for an API key at every request. The others are called with OIDC tokens by Cloud Tasks or Cloud Scheduler, and check the token once more themselves.

resource "google_cloud_run_v2_service_iam_binding" "invoker" {
  for_each = local.functions

  name     = google_cloudfunctions2_function.function[each.key].name
  location = google_cloudfunctions2_function.function[each.key].location
  role     = "roles/run.invoker"
  members = {
    public    = ["allUsers"]
    tasks     = [google_service_account.tasks.member]
    scheduler = [google_service_account.scheduler.member]
  }[each.value.caller]
}
