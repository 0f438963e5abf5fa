# One page that says how it goes: requests, messages, queues, ticks, trouble.

locals {
  requests = "metric.type=\"run.googleapis.com/request_count\" resource.type=\"cloud_run_revision\""

  # Each chart: its title, the filter of its lines, how they are aligned, put together and by what they are told apart.
  charts = [
    { title = "Answers per second, by function", filter = local.requests, aligner = "ALIGN_RATE", reducer = "REDUCE_SUM", by = ["resource.label.service_name"] },
    { title = "5xx per second, by function", filter = "${local.requests} metric.label.response_code_class=\"5xx\"", aligner = "ALIGN_RATE", reducer = "REDUCE_SUM", by = ["resource.label.service_name"] },
    { title = "Latency, 95th percentile, by function (ms)", filter = "metric.type=\"run.googleapis.com/request_latencies\" resource.type=\"cloud_run_revision\"", aligner = "ALIGN_PERCENTILE_95", reducer = "REDUCE_MAX", by = ["resource.label.service_name"] },
    { title = "Instances, by function", filter = "metric.type=\"run.googleapis.com/container/instance_count\" resource.type=\"cloud_run_revision\"", aligner = "ALIGN_MAX", reducer = "REDUCE_SUM", by = ["resource.label.service_name"] },
    { title = "Memory in use, 99th percentile, by function", filter = "metric.type=\"run.googleapis.com/container/memory/utilizations\" resource.type=\"cloud_run_revision\"", aligner = "ALIGN_PERCENTILE_99", reducer = "REDUCE_MAX", by = ["resource.label.service_name"] },
    { title = "Chunk, start to end, 95th percentile (s)", filter = "metric.type=\"logging.googleapis.com/user/${google_logging_metric.chunk["seconds"].name}\" resource.type=\"cloud_run_revision\"", aligner = "ALIGN_PERCENTILE_95", reducer = "REDUCE_MAX", by = [] },
    { title = "Tasks waiting, by queue", filter = "metric.type=\"cloudtasks.googleapis.com/queue/depth\" resource.type=\"cloud_tasks_queue\"", aligner = "ALIGN_MAX", reducer = "REDUCE_SUM", by = ["resource.label.queue_id"] },
    { title = "Tasks late, 95th percentile, by queue (ms)", filter = "metric.type=\"cloudtasks.googleapis.com/queue/task_attempt_delays\" resource.type=\"cloud_tasks_queue\"", aligner = "ALIGN_PERCENTILE_95", reducer = "REDUCE_MAX", by = ["resource.label.queue_id"] },
    { title = "Attempts per second, by answer", filter = "metric.type=\"cloudtasks.googleapis.com/queue/task_attempt_count\" resource.type=\"cloud_tasks_queue\"", aligner = "ALIGN_RATE", reducer = "REDUCE_SUM", by = ["metric.label.response_code"] },
    { title = "Ticks per minute, by function", filter = "${local.requests} resource.label.service_name=one_of(${join(",", [for name in keys(local.jobs) : "\"${name}\""])})", aligner = "ALIGN_DELTA", reducer = "REDUCE_SUM", by = ["resource.label.service_name"] },
    { title = "Firestore: documents read per second", filter = "metric.type=\"firestore.googleapis.com/document/read_count\" resource.type=\"firestore_instance\"", aligner = "ALIGN_RATE", reducer = "REDUCE_SUM", by = ["metric.label.type"] },
    { title = "Firestore: documents written per second", filter = "metric.type=\"firestore.googleapis.com/document/write_count\" resource.type=\"firestore_instance\"", aligner = "ALIGN_RATE", reducer = "REDUCE_SUM", by = ["metric.label.op"] },
  ]

  # The sums of distributions can be asked for in PromQL alone; a metric's name is spelled there with underscores.
  messages = { for outcome in ["sent", "failed"] : outcome => "sum(rate(logging_googleapis_com:user_fanfare_chunk_${outcome}_sum{monitored_resource=\"cloud_run_revision\"}[1m]))" }

  trouble = [for name, metric in google_logging_metric.line : {
    legendTemplate = name
    plotType       = "STACKED_BAR"
    timeSeriesQuery = { timeSeriesFilter = {
      filter      = "metric.type=\"logging.googleapis.com/user/${metric.name}\" resource.type=\"cloud_run_revision\""
      aggregation = { alignmentPeriod = "60s", perSeriesAligner = "ALIGN_DELTA", crossSeriesReducer = "REDUCE_SUM", groupByFields = [] }
    } }
  }]

  widgets = concat(
    [
      {
        title = "Messages per second"
        xyChart = { dataSets = [for outcome, query in local.messages : {
          legendTemplate  = outcome
          plotType        = "LINE"
          timeSeriesQuery = { prometheusQuery = query }
        }] }
      },
      { title = "Trouble, by line", xyChart = { dataSets = local.trouble } },
    ],
    [for chart in local.charts : {
      title = chart.title
      xyChart = { dataSets = [{
        plotType = "LINE"
        timeSeriesQuery = { timeSeriesFilter = {
          filter      = chart.filter
          aggregation = { alignmentPeriod = "60s", perSeriesAligner = chart.aligner, crossSeriesReducer = chart.reducer, groupByFields = chart.by }
        } }
      }] }
    }],
  )
}

resource "google_monitoring_dashboard" "fanfare" {
  dashboard_json = jsonencode({
    displayName = "Fanfare"
    mosaicLayout = {
      columns = 12
      tiles   = [for place, widget in local.widgets : { xPos = place % 2 * 6, yPos = floor(place / 2) * 4, width = 6, height = 4, widget = widget }]
    }
  })

  depends_on = [google_project_service.api]
}
