# The database. Deleting it is a decision of its own: `purge`.

resource "google_firestore_database" "this" {
  name        = var.firestore_database
  location_id = var.firestore_location
  type        = "FIRESTORE_NATIVE"

  point_in_time_recovery_enablement = "POINT_IN_TIME_RECOVERY_ENABLED"
  delete_protection_state           = var.deletion_protection ? "DELETE_PROTECTION_ENABLED" : "DELETE_PROTECTION_DISABLED"
  deletion_policy                   = var.purge ? "DELETE" : "ABANDON"

  depends_on = [google_project_service.api]
}

import {
  for_each = var.adopt_kept ? toset([var.firestore_database]) : toset([])

  to = google_firestore_database.this
  id = "projects/${var.project}/databases/${each.key}"
}

# The keys that open what it holds are not in it: a backup alone gives nothing away (docs/deployment.md).
resource "google_firestore_backup_schedule" "daily" {
  database  = google_firestore_database.this.name
  retention = "${var.backup_retention_days * 86400}s"

  daily_recurrence {}
}
