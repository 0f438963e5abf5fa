# What somebody is told about. Each alert has its page in docs/operations.md.

locals {
  channels = [for channel in google_monitoring_notification_channel.email : channel.id]

  # One line is enough. `labels` are shown in the message.
  alarming_lines = {
    breaker_open             = { title = "A breaker is open", severity = "ERROR", labels = ["tenant", "scope", "reason"] }
    tenant_quarantined       = { title = "A tenant is in quarantine", severity = "ERROR", labels = ["tenant", "reason"] }
    dead_lettered            = { title = "Dead letters", severity = "WARNING", labels = ["tenant", "reason"] }
    fcm_alert                = { title = "FCM refuses what should not be refused", severity = "WARNING", labels = ["tenant", "kind", "code"] }
    internal_error           = { title = "An error that nobody foresaw", severity = "ERROR", labels = ["error"] }
    poison_task              = { title = "A task was given up", severity = "ERROR", labels = [] }
    key_rotation_interrupted = { title = "A rotation of keys was interrupted", severity = "WARNING", labels = ["tenant"] }
  }

  # A function that is called by the clock and was not for so long. cleanup's day is longer than Monitoring looks back: its failures come from its job.
  ticks = {
    keepalive = { minutes = 10 }
    schedule  = { minutes = 10 }
    rollup    = { minutes = 30 }
  }

  deep_queues = { for name, queue in local.queues : name => queue.deep if queue.deep != null }
}

resource "google_monitoring_notification_channel" "email" {
  for_each = toset(compact([var.alert_email]))

  display_name = "Fanfare"
  type         = "email"
  labels       = { email_address = each.key }

  depends_on = [google_project_service.api]
}

resource "google_monitoring_alert_policy" "line" {
  for_each = local.alarming_lines

  display_name          = "Fanfare: ${each.value.title}"
  severity              = each.value.severity
  combiner              = "OR"
  notification_channels = local.channels

  conditions {
    display_name = each.key

    condition_matched_log {
      filter           = "${local.of_functions} AND jsonPayload.message=\"${each.key}\""
      label_extractors = { for label in each.value.labels : label => "EXTRACT(jsonPayload.${label})" }
    }
  }

  alert_strategy {
    auto_close = "86400s"

    notification_rate_limit {
      period = "3600s"
    }
  }

  documentation {
    content = "docs/operations.md, ${each.value.title}. The lines: jsonPayload.message=\"${each.key}\"."
  }

  depends_on = [google_project_service.api]
}

resource "google_monitoring_alert_policy" "job" {
  display_name          = "Fanfare: A job fails"
  severity              = "ERROR"
  combiner              = "OR"
  notification_channels = local.channels

  conditions {
    display_name = "job_fails"

    condition_matched_log {
      filter           = "resource.type=\"cloud_scheduler_job\" AND severity>=ERROR"
      label_extractors = { job = "EXTRACT(resource.labels.job_id)" }
    }
  }

  alert_strategy {
    auto_close = "86400s"

    notification_rate_limit {
      period = "3600s"
    }
  }

  documentation {
    content = "docs/operations.md, A job fails."
  }

  depends_on = [google_project_service.api]
}

resource "google_monitoring_alert_policy" "tick" {
  for_each = local.ticks

  display_name          = "Fanfare: No ticks of ${each.key}"
  severity              = "CRITICAL"
  combiner              = "OR"
  notification_channels = local.channels

  conditions {
    display_name = "no_ticks"

    condition_absent {
      filter   = "metric.type=\"run.googleapis.com/request_count\" AND resource.type=\"cloud_run_revision\" AND resource.labels.service_name=\"${each.key}\" AND metric.labels.response_code_class=\"2xx\""
      duration = "${each.value.minutes * 60}s"

      aggregations {
        alignment_period     = "60s"
        per_series_aligner   = "ALIGN_DELTA"
        cross_series_reducer = "REDUCE_SUM"
      }
    }
  }

  documentation {
    content = "docs/operations.md, No ticks: ${each.key} has not finished one for ${each.value.minutes} minutes."
  }

  depends_on = [google_cloudfunctions2_function.function]
}

resource "google_monitoring_alert_policy" "errors" {
  display_name          = "Fanfare: Many errors"
  severity              = "CRITICAL"
  combiner              = "OR"
  notification_channels = local.channels

  conditions {
    display_name = "error_share"

    # More than one answer of a hundred is a 5xx. 409 is how the internal functions ask a queue to wait.
    condition_threshold {
      filter             = "metric.type=\"run.googleapis.com/request_count\" AND resource.type=\"cloud_run_revision\" AND metric.labels.response_code_class=\"5xx\""
      denominator_filter = "metric.type=\"run.googleapis.com/request_count\" AND resource.type=\"cloud_run_revision\""
      comparison         = "COMPARISON_GT"
      threshold_value    = 0.01
      duration           = "300s"

      aggregations {
        alignment_period     = "300s"
        per_series_aligner   = "ALIGN_RATE"
        cross_series_reducer = "REDUCE_SUM"
        group_by_fields      = ["resource.labels.service_name"]
      }

      denominator_aggregations {
        alignment_period     = "300s"
        per_series_aligner   = "ALIGN_RATE"
        cross_series_reducer = "REDUCE_SUM"
        group_by_fields      = ["resource.labels.service_name"]
      }
    }
  }

  documentation {
    content = "docs/operations.md, Many errors."
  }

  depends_on = [google_project_service.api]
}

resource "google_monitoring_alert_policy" "late_tasks" {
  display_name          = "Fanfare: Tasks are late"
  severity              = "ERROR"
  combiner              = "OR"
  notification_channels = local.channels

  dynamic "conditions" {
    for_each = local.queues

    content {
      display_name = conditions.key

      # From the time for which an attempt is planned to the attempt, in milliseconds.
      condition_threshold {
        filter          = "metric.type=\"cloudtasks.googleapis.com/queue/task_attempt_delays\" AND resource.type=\"cloud_tasks_queue\" AND resource.labels.queue_id=\"${conditions.key}\""
        comparison      = "COMPARISON_GT"
        threshold_value = conditions.value.late_seconds * 1000
        duration        = "300s"

        aggregations {
          alignment_period     = "300s"
          per_series_aligner   = "ALIGN_PERCENTILE_95"
          cross_series_reducer = "REDUCE_MAX"
        }
      }
    }
  }

  documentation {
    content = "docs/operations.md, Tasks are late."
  }

  depends_on = [google_project_service.api]
}

resource "google_monitoring_alert_policy" "deep_queues" {
  display_name          = "Fanfare: Queues are deep"
  severity              = "WARNING"
  combiner              = "OR"
  notification_channels = local.channels

  dynamic "conditions" {
    for_each = local.deep_queues

    content {
      display_name = conditions.key

      condition_threshold {
        filter          = "metric.type=\"cloudtasks.googleapis.com/queue/depth\" AND resource.type=\"cloud_tasks_queue\" AND resource.labels.queue_id=\"${conditions.key}\""
        comparison      = "COMPARISON_GT"
        threshold_value = conditions.value
        duration        = "600s"

        aggregations {
          alignment_period   = "60s"
          per_series_aligner = "ALIGN_MAX"
        }
      }
    }
  }

  documentation {
    content = "docs/operations.md, Queues are deep."
  }

  depends_on = [google_project_service.api]
}

resource "google_monitoring_alert_policy" "key_rotation" {
  display_name          = "Fanfare: A key is due for rotation"
  severity              = "WARNING"
  combiner              = "OR"
  notification_channels = local.channels

  conditions {
    display_name = "rotation_due"

    condition_threshold {
      filter          = "metric.type=\"pubsub.googleapis.com/subscription/num_undelivered_messages\" AND resource.type=\"pubsub_subscription\" AND resource.labels.subscription_id=\"${google_pubsub_subscription.key_rotation.name}\""
      comparison      = "COMPARISON_GT"
      threshold_value = 0
      duration        = "0s"

      aggregations {
        alignment_period   = "300s"
        per_series_aligner = "ALIGN_MAX"
      }
    }
  }

  documentation {
    content = "docs/operations.md, A key is due for rotation: `gcloud pubsub subscriptions pull ${google_pubsub_subscription.key_rotation.name} --auto-ack` names it and ends this alert."
  }

  depends_on = [google_project_service.api]
}

# From outside, from several continents: what a caller sees.
resource "google_monitoring_uptime_check_config" "api" {
  display_name = "Fanfare: api"
  timeout      = "10s"
  period       = "300s"

  http_check {
    path         = "/api/v1/health/live"
    port         = 443
    use_ssl      = true
    validate_ssl = true
  }

  monitored_resource {
    type   = "uptime_url"
    labels = { project_id = var.project, host = local.hosts["api"] }
  }

  depends_on = [google_cloud_run_v2_service_iam_binding.invoker]
}

resource "google_monitoring_alert_policy" "unreachable" {
  display_name          = "Fanfare: The API does not answer"
  severity              = "CRITICAL"
  combiner              = "OR"
  notification_channels = local.channels

  conditions {
    display_name = "unreachable"

    condition_threshold {
      filter          = "metric.type=\"monitoring.googleapis.com/uptime_check/check_passed\" AND resource.type=\"uptime_url\" AND metric.labels.check_id=\"${google_monitoring_uptime_check_config.api.uptime_check_id}\""
      comparison      = "COMPARISON_GT"
      threshold_value = 1
      duration        = "300s"

      # How many places do not reach it: more than one is not the place's fault.
      aggregations {
        alignment_period     = "300s"
        per_series_aligner   = "ALIGN_NEXT_OLDER"
        cross_series_reducer = "REDUCE_COUNT_FALSE"
      }
    }
  }

  documentation {
    content = "docs/operations.md, The API does not answer."
  }
}
