# The functions: one source tree, one entry point each. `concurrency` is also the number of threads, so that no request waits in an instance for another one.
#
# The addresses. Each function has to know the others' addresses before they exist, so they are not read from the resources (that would be a cycle) but spelled out:
# Cloud Run gives every service the deterministic address https://NAME-PROJECTNUMBER.REGION.run.app. It is also the audience of the OIDC tokens, which the function
# compares letter by letter; Cloud Tasks and Cloud Scheduler must call just this address, and an ingress for internal traffic lets them in by it.

locals {
  functions = {
    # Public by its API keys. A bulk body of 8 MiB in each of 16 threads wants the second half of the memory.
    api = { memory = "1Gi", cpu = "1", concurrency = 16, timeout = 300, max_instances = 20, caller = "public" }
    # Public by its API keys too (docs/architecture.md): listeners hold their threads for minutes and must never take one from api.
    stream = { memory = "512Mi", cpu = "1", concurrency = 64, timeout = 900, max_instances = 10, caller = "public" }
    # One connection of 100 streams in each thread.
    send     = { memory = "512Mi", cpu = "1", concurrency = 8, timeout = 300, max_instances = 40, caller = "tasks" }
    fanout   = { memory = "1Gi", cpu = "1", concurrency = 4, timeout = 300, max_instances = 5, caller = "tasks" }
    webhook  = { memory = "512Mi", cpu = "1", concurrency = 16, timeout = 300, max_instances = 10, caller = "tasks" }
    schedule = { memory = "512Mi", cpu = "1", concurrency = 1, timeout = 300, max_instances = 3, caller = "scheduler" }
    # Ticks that overlap are harmless, and must not wait for one another.
    keepalive = { memory = "512Mi", cpu = "1", concurrency = 1, timeout = 300, max_instances = 3, caller = "scheduler" }
    cleanup   = { memory = "512Mi", cpu = "1", concurrency = 1, timeout = 300, max_instances = 2, caller = "scheduler" }
    rollup    = { memory = "512Mi", cpu = "1", concurrency = 1, timeout = 300, max_instances = 2, caller = "scheduler" }
  }

  min_instances = { for name, function in local.functions : name => try(var.instances[name].min, 0) }
  max_instances = { for name, function in local.functions : name => coalesce(try(var.instances[name].max, null), max(function.max_instances, local.min_instances[name])) }

  hosts    = { for name, function in local.functions : name => "${name}-${data.google_project.this.number}.${var.region}.run.app" }
  urls     = { for name, host in local.hosts : name => "https://${host}" }
  public   = toset([for name, function in local.functions : name if function.caller == "public"])
  internal = toset([for name, function in local.functions : name if function.caller != "public"])

  console_origins = var.console ? ["https://${var.project}.web.app", "https://${var.project}.firebaseapp.com"] : []

  # What functions/fanfare/config.py reads; what it has Google's own default for is not set.
  environment = merge(
    { for name in local.internal : "${upper(name)}_URL" => local.urls[name] },
    {
      ALLOWED_HOSTS               = join(",", concat([for name in local.public : local.hosts[name]], var.allowed_hosts))
      CORS_ORIGINS                = join(",", concat(local.console_origins, var.cors_origins))
      FANFARE_REGION              = var.region
      FIRESTORE_DATABASE          = var.firestore_database
      GOOGLE_CLOUD_PROJECT        = var.project
      KMS_KEY                     = var.use_kms ? google_kms_crypto_key.data_keys[0].id : ""
      LOG_LEVEL                   = var.log_level
      OTEL_EXPORTER_OTLP_ENDPOINT = var.otlp_endpoint
      SCHEDULER_SERVICE_ACCOUNT   = google_service_account.scheduler.email
      SENTRY_DSN                  = var.sentry_dsn
      TASKS_SERVICE_ACCOUNT       = google_service_account.tasks.email
      TRUSTED_PROXY_HOPS          = tostring(var.trusted_proxy_hops)
    },
  )
}

resource "google_cloudfunctions2_function" "function" {
  for_each = local.functions

  name        = each.key
  location    = var.region
  description = "Fanfare: ${each.key}"

  build_config {
    # The version that the tests run on.
    runtime           = "python311"
    entry_point       = each.key
    service_account   = google_service_account.build.name
    docker_repository = google_artifact_registry_repository.images.id

    # Google brings security updates of the runtime's image without a deploy.
    automatic_update_policy {}

    source {
      storage_source {
        bucket = google_storage_bucket.source.name
        object = google_storage_bucket_object.functions.name
      }
    }
  }

  service_config {
    service_account_email            = google_service_account.function[each.key].email
    available_memory                 = each.value.memory
    available_cpu                    = each.value.cpu
    max_instance_request_concurrency = each.value.concurrency
    min_instance_count               = local.min_instances[each.key]
    max_instance_count               = local.max_instances[each.key]
    timeout_seconds                  = each.value.timeout
    ingress_settings                 = each.value.caller == "public" ? "ALLOW_ALL" : "ALLOW_INTERNAL_ONLY"
    all_traffic_on_latest_revision   = true

    environment_variables = merge(local.environment, {
      WORKERS                   = "1"
      THREADS                   = tostring(each.value.concurrency)
      CLOUD_RUN_TIMEOUT_SECONDS = tostring(each.value.timeout)
    })
  }

  # An instance that starts before its rights are there would answer 500 until it is replaced; one that is built before the build's would not be built.
  depends_on = [
    google_artifact_registry_repository_iam_member.build_writes_images,
    google_firestore_database.this,
    google_kms_crypto_key_iam_member.function,
    google_project_iam_member.build_reads_copies,
    google_project_iam_member.build_writes_logs,
    google_project_iam_member.firestore,
    google_secret_manager_secret_iam_member.key,
    google_secret_manager_secret_version.key,
    google_storage_bucket_iam_member.build_reads_source,
  ]
}
