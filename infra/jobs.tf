# The Cloud Scheduler jobs, each named like the function that it calls. None is repeated when it fails: the next tick does what was left.

locals {
  jobs = {
    schedule  = { cron = "* * * * *" }
    rollup    = { cron = "*/5 * * * *" }
    cleanup   = { cron = "17 3 * * *" }
    keepalive = { cron = "* * * * *" }
  }
}

resource "google_cloud_scheduler_job" "job" {
  for_each = local.jobs

  name             = each.key
  region           = var.region
  description      = "Fanfare: the tick of ${each.key}"
  schedule         = each.value.cron
  time_zone        = "Etc/UTC"
  attempt_deadline = "300s"

  http_target {
    uri         = local.urls[each.key]
    http_method = "POST"

    oidc_token {
      service_account_email = google_service_account.scheduler.email
      audience              = local.urls[each.key]
    }
  }

  # A job that begins before its function is there alerts for nothing.
  depends_on = [google_cloud_run_v2_service_iam_binding.invoker]
}
