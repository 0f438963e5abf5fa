# How long log lines live, and what never becomes one.

resource "google_logging_project_bucket_config" "default" {
  project        = var.project
  location       = "global"
  bucket_id      = "_Default"
  retention_days = var.log_retention_days

  depends_on = [google_project_service.api]
}

# `POST /reload?token=…` carries a key in its URL, as fcmpy's did (docs/daemon.md). Cloud Run writes URLs into its request log, and a line can't be redacted there, only
# left out. Fanfare's own line of the request stays: it has the route and the status, never the URL.
resource "google_logging_project_exclusion" "keys_in_urls" {
  name        = "fanfare-keys-in-urls"
  description = "Request logs whose URL holds a key"
  filter      = "log_id(\"run.googleapis.com/requests\") AND httpRequest.requestUrl=~\"[?&]token=\""

  depends_on = [google_project_service.api]
}

# Who read which key, and who asked KMS: instances read a secret and unwrap a data key once in their life, so that these lines are few.
resource "google_project_iam_audit_config" "keys" {
  for_each = toset(concat(["secretmanager.googleapis.com"], var.use_kms ? ["cloudkms.googleapis.com"] : []))

  project = var.project
  service = each.key

  audit_log_config {
    log_type = "DATA_READ"
  }
  audit_log_config {
    log_type = "DATA_WRITE"
  }
}
