# The deployment's keys, 32 random bytes each, and when somebody is reminded to rotate them (docs/operations.md says how).
# The tenants' credentials are secrets too; api creates them while it runs, named by a prefix (access.tf).

locals {
  keys = {
    # Wraps the tenants' data keys, where Cloud KMS does not.
    fanfare-data-key = { rotation_days = 90 }
    # By which encrypted values are found again: rotating it writes every device anew.
    fanfare-blind-index-key = { rotation_days = 365 }
    fanfare-receipt-key     = { rotation_days = 365 }
    fanfare-cursor-key      = { rotation_days = 365 }
  }

  data_key = "fanfare-data-key"
  secrets  = { for name, key in local.keys : name => key if name != local.data_key || !var.use_kms || var.keep_data_key }

  secret_manager_agent = "serviceAccount:service-${data.google_project.this.number}@gcp-sa-secretmanager.iam.gserviceaccount.com"
}

resource "google_secret_manager_secret" "key" {
  for_each = local.secrets

  secret_id       = each.key
  deletion_policy = var.purge ? "DELETE" : "ABANDON"
  # A version that is destroyed by mistake can be enabled again for a day.
  version_destroy_ttl = "86400s"

  replication {
    auto {}
  }

  topics {
    name = google_pubsub_topic.key_rotation.id
  }

  rotation {
    rotation_period    = "${each.value.rotation_days * 86400}s"
    next_rotation_time = timeadd(plantimestamp(), "${each.value.rotation_days * 24}h")
  }

  lifecycle {
    # Secret Manager moves it on itself; the plan's own time is for the first one alone.
    ignore_changes = [rotation[0].next_rotation_time]
  }

  depends_on = [google_pubsub_topic_iam_member.secret_manager]
}

import {
  for_each = var.adopt_kept ? local.secrets : {}

  to = google_secret_manager_secret.key[each.key]
  id = "projects/${var.project}/secrets/${each.key}"
}

# 32 bytes as base64url text are 43 characters, of which the last one holds four bits: 42 out of 64 characters and one out of 16 are 256 random bits.
# Neither part is ever in the state or in a plan: they are ephemeral, and what takes them is write-only.
ephemeral "random_password" "beginning" {
  for_each = local.secrets

  length           = 42
  override_special = "-_"
}

ephemeral "random_password" "end" {
  for_each = local.secrets

  length           = 1
  upper            = false
  lower            = false
  numeric          = false
  override_special = "AEIMQUYcgkosw048"
}

resource "google_secret_manager_secret_version" "key" {
  for_each = var.create_keys ? local.secrets : {}

  secret                 = google_secret_manager_secret.key[each.key].id
  secret_data_wo         = "${ephemeral.random_password.beginning[each.key].result}${ephemeral.random_password.end[each.key].result}"
  secret_data_wo_version = "1"
  # Only whoever purges the secret destroys a key.
  deletion_policy = "ABANDON"
}

resource "google_pubsub_topic" "key_rotation" {
  # checkov:skip=CKV_GCP_83:A message says which key is due and nothing else; Google's own encryption does
  name = "fanfare-key-rotation"

  depends_on = [google_project_service.api]
}

# Secret Manager's own account exists after `gcloud beta services identity create --service=secretmanager.googleapis.com` (docs/deployment.md).
resource "google_pubsub_topic_iam_member" "secret_manager" {
  topic  = google_pubsub_topic.key_rotation.name
  role   = "roles/pubsub.publisher"
  member = local.secret_manager_agent
}

# What is due stays here until somebody acknowledges it; an alert looks at it.
resource "google_pubsub_subscription" "key_rotation" {
  name                       = "fanfare-key-rotation"
  topic                      = google_pubsub_topic.key_rotation.id
  filter                     = "attributes.eventType = \"SECRET_ROTATE\""
  message_retention_duration = "604800s"

  expiration_policy {
    ttl = ""
  }
}
