# Numbers out of the log lines, for the dashboard. The alerts on single lines (alerts.tf) read the lines themselves.

locals {
  of_functions = "resource.type=\"cloud_run_revision\" AND resource.labels.service_name=(${join(" OR ", [for name in keys(local.functions) : "\"${name}\""])})"

  # How often a line is written.
  counted_lines = {
    breaker_open             = { labels = ["tenant", "reason"] }
    enqueue_failed           = { labels = ["queue"] }
    fcm_alert                = { labels = ["tenant", "kind"] }
    internal_error           = { labels = [] }
    rate_limiter_failed_open = { labels = [] }
    tenant_quarantined       = { labels = ["tenant", "reason"] }
  }

  # What the lines of a chunk's end add up to.
  measured_chunks = {
    sent    = { unit = "1", description = "Messages that FCM accepted, by chunk" }
    failed  = { unit = "1", description = "Messages that failed for good, by chunk" }
    seconds = { unit = "s", description = "From a chunk's start to its end" }
  }
}

resource "google_logging_metric" "line" {
  for_each = local.counted_lines

  name        = "fanfare/${each.key}"
  description = "Lines ${each.key} of the functions"
  filter      = "${local.of_functions} AND jsonPayload.message=\"${each.key}\""

  label_extractors = { for label in each.value.labels : label => "EXTRACT(jsonPayload.${label})" }

  metric_descriptor {
    metric_kind = "DELTA"
    value_type  = "INT64"
    unit        = "1"

    dynamic "labels" {
      for_each = each.value.labels

      content {
        key        = labels.value
        value_type = "STRING"
      }
    }
  }

  depends_on = [google_project_service.api]
}

resource "google_logging_metric" "chunk" {
  for_each = local.measured_chunks

  name            = "fanfare/chunk_${each.key}"
  description     = each.value.description
  filter          = "${local.of_functions} AND jsonPayload.message=\"chunk_delivered\""
  value_extractor = "EXTRACT(jsonPayload.${each.key})"

  metric_descriptor {
    metric_kind = "DELTA"
    value_type  = "DISTRIBUTION"
    unit        = each.value.unit
  }

  bucket_options {
    exponential_buckets {
      num_finite_buckets = 32
      growth_factor      = 2
      scale              = 0.01
    }
  }

  depends_on = [google_project_service.api]
}
