# What each function may do, and nothing more. The maps are by function: tests/structure/test_infra.py compares them with the code.

locals {
  # The queues that each function puts tasks into; a task that is to wait goes into send-bulk, one that is not into send.
  publishes = {
    api       = ["send", "send-bulk", "fanout", "webhook"]
    stream    = []
    send      = ["send", "send-bulk", "fanout", "webhook"]
    fanout    = ["send", "send-bulk", "fanout", "webhook"]
    webhook   = ["webhook"]
    schedule  = ["send", "send-bulk", "fanout", "webhook"]
    keepalive = ["send", "send-bulk", "fanout"]
    cleanup   = ["fanout"]
    rollup    = ["fanout"]
  }

  # The deployment's keys that each function reads: for sealed fields, for looking people up, for receipt tokens, for cursors.
  # Where Cloud KMS wraps data keys, whoever stands here with fanfare-data-key has a right on its key instead (kms.tf).
  reads_keys = {
    api       = ["fanfare-data-key", "fanfare-blind-index-key", "fanfare-receipt-key", "fanfare-cursor-key"]
    stream    = ["fanfare-cursor-key"]
    send      = ["fanfare-data-key", "fanfare-blind-index-key", "fanfare-receipt-key"]
    fanout    = ["fanfare-data-key", "fanfare-blind-index-key"]
    webhook   = ["fanfare-data-key"]
    schedule  = ["fanfare-data-key", "fanfare-blind-index-key", "fanfare-receipt-key"]
    keepalive = ["fanfare-data-key"]
    cleanup   = []
    rollup    = ["fanfare-data-key"]
  }

  # The functions that talk to FCM with the tenants' service accounts: api tries a new one, send sends, fanout subscribes to topics, schedule probes.
  reads_credentials = toset(["api", "send", "fanout", "schedule"])

  # Secrets that api creates, one for each tenant. In conditions a secret's name holds the project's number.
  credential_prefix    = "fanfare-fcm-"
  credential_condition = "resource.name.startsWith(\"projects/${data.google_project.this.number}/secrets/${local.credential_prefix}\")"

  publishing = merge([for name, queues in local.publishes : { for queue in queues : "${name}/${queue}" => { function = name, queue = queue } }]...)
  publishers = toset([for name, queues in local.publishes : name if length(queues) > 0])
  reading    = merge([for name, wanted in local.reads_keys : { for key in wanted : "${name}/${key}" => { function = name, key = key } if contains(keys(local.secrets), key) }]...)
}

# Firestore: every function keeps its work there, in this database alone.
resource "google_project_iam_member" "firestore" {
  for_each = local.functions

  project = var.project
  role    = "roles/datastore.user"
  member  = google_service_account.function[each.key].member

  condition {
    title      = "this-database"
    expression = "resource.name == \"projects/${var.project}/databases/${var.firestore_database}\""
  }
}

# Cloud Tasks: a task that carries a token of the tasks' account may be created by whoever may act as that account.
resource "google_cloud_tasks_queue_iam_member" "publisher" {
  for_each = local.publishing

  name     = google_cloud_tasks_queue.queue[each.value.queue].name
  location = var.region
  role     = "roles/cloudtasks.enqueuer"
  member   = google_service_account.function[each.value.function].member
}

resource "google_service_account_iam_member" "publisher_acts_as_tasks" {
  for_each = local.publishers

  service_account_id = google_service_account.tasks.name
  role               = "roles/iam.serviceAccountUser"
  member             = google_service_account.function[each.key].member
}

# Secret Manager: the deployment's keys one by one.
resource "google_secret_manager_secret_iam_member" "key" {
  for_each = local.reading

  secret_id = google_secret_manager_secret.key[each.value.key].secret_id
  role      = "roles/secretmanager.secretAccessor"
  member    = google_service_account.function[each.value.function].member
}

# Secret Manager: the tenants' credentials, which come and go while everything runs, by their prefix.
resource "google_project_iam_member" "credential_reader" {
  for_each = local.reads_credentials

  project = var.project
  role    = "roles/secretmanager.secretAccessor"
  member  = google_service_account.function[each.key].member

  condition {
    title      = "credentials-of-tenants"
    expression = local.credential_condition
  }
}

resource "google_project_iam_custom_role" "credential_writer" {
  role_id     = "fanfareCredentialWriter"
  title       = "Fanfare: replace tenants' credentials"
  permissions = ["secretmanager.versions.add", "secretmanager.versions.destroy", "secretmanager.versions.disable", "secretmanager.versions.list"]

  depends_on = [google_project_service.api]
}

resource "google_project_iam_member" "credential_writer" {
  project = var.project
  role    = google_project_iam_custom_role.credential_writer.name
  member  = google_service_account.function["api"].member

  condition {
    title      = "credentials-of-tenants"
    expression = local.credential_condition
  }
}

# A secret is created in the project, whose name is no secret's: this right alone can't be bound to the prefix. It reads and changes nothing that exists.
resource "google_project_iam_custom_role" "credential_creator" {
  role_id     = "fanfareCredentialCreator"
  title       = "Fanfare: create tenants' credentials"
  permissions = ["secretmanager.secrets.create"]

  depends_on = [google_project_service.api]
}

resource "google_project_iam_member" "credential_creator" {
  project = var.project
  role    = google_project_iam_custom_role.credential_creator.name
  member  = google_service_account.function["api"].member
}

# The tokens of POST /api/v1/stream-token are signed by Google with api's own account: there is no key to leak.
resource "google_project_iam_custom_role" "signer" {
  role_id     = "fanfareSigner"
  title       = "Fanfare: sign as a service account"
  permissions = ["iam.serviceAccounts.signBlob"]

  depends_on = [google_project_service.api]
}

resource "google_service_account_iam_member" "api_signs_as_itself" {
  service_account_id = google_service_account.function["api"].name
  role               = google_project_iam_custom_role.signer.name
  member             = google_service_account.function["api"].member
}

# GET /api/v1/health/ready looks at the queue of direct sends and at the jobs.
resource "google_cloud_tasks_queue_iam_member" "api_looks_at_send" {
  name     = google_cloud_tasks_queue.queue["send"].name
  location = var.region
  role     = "roles/cloudtasks.viewer"
  member   = google_service_account.function["api"].member
}

resource "google_project_iam_custom_role" "job_viewer" {
  role_id     = "fanfareJobViewer"
  title       = "Fanfare: look at jobs"
  permissions = ["cloudscheduler.jobs.get", "cloudscheduler.jobs.list"]

  depends_on = [google_project_service.api]
}

resource "google_project_iam_member" "api_looks_at_jobs" {
  project = var.project
  role    = google_project_iam_custom_role.job_viewer.name
  member  = google_service_account.function["api"].member
}
