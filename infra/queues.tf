# The Cloud Tasks queues. Exhausting the attempts is harmless, because the schedule tick sweeps up what is left.

locals {
  # How many calls each function takes at once, over all its instances; a queue has at most 5,000 in the air.
  capacity = { for name, function in local.functions : name => min(5000, local.max_instances[name] * function.concurrency) }

  # `late_seconds` is what an alert takes for late. `deep` likewise for the number of tasks, where none is meant to wait for a due time of its own.
  queues = {
    # Direct sends take whatever is free.
    send = { concurrent = local.capacity["send"], late_seconds = 30, deep = 10000 }
    # Chunks, their retries and keepalive leave a fifth of the capacity free, or the lanes would meet in the instances.
    send-bulk = { concurrent = max(1, floor(local.capacity["send"] * 4 / 5)), late_seconds = 300, deep = null }
    fanout    = { concurrent = local.capacity["fanout"], late_seconds = 120, deep = 5000 }
    # A slow endpoint must not make a message wait.
    webhook = { concurrent = local.capacity["webhook"], late_seconds = 120, deep = null }
  }
}

resource "google_cloud_tasks_queue" "queue" {
  for_each = local.queues

  name     = each.key
  location = var.region

  rate_limits {
    max_dispatches_per_second = 500
    max_concurrent_dispatches = each.value.concurrent
  }

  retry_config {
    max_attempts = 100
    min_backoff  = "5s"
    max_backoff  = "60s"
  }

  depends_on = [google_project_service.api]
}
