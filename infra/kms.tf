# A Cloud KMS key around the deployment's keys in Secret Manager, where it is wanted: who disables it makes every sealed field unreadable at once.
# The functions have no right on it: Secret Manager decrypts for them.

resource "google_kms_key_ring" "fanfare" {
  count = var.use_kms ? 1 : 0

  name = "fanfare"
  # Secrets that Google replicates by itself take a key of this location alone.
  location = "global"

  depends_on = [google_project_service.api]
}

resource "google_kms_crypto_key" "secrets" {
  # checkov:skip=CKV_GCP_82:deletion_policy keeps it; prevent_destroy would let nothing else be destroyed either
  count = var.use_kms ? 1 : 0

  name            = "secrets"
  key_ring        = google_kms_key_ring.fanfare[0].id
  rotation_period = "7776000s"
  deletion_policy = var.purge ? "DELETE" : "ABANDON"
}

# A ring can't be deleted at all, and a key's name is taken for ever.
import {
  for_each = var.use_kms && var.adopt_kept ? toset(["fanfare"]) : toset([])

  to = google_kms_key_ring.fanfare[0]
  id = "projects/${var.project}/locations/global/keyRings/${each.key}"
}

import {
  for_each = var.use_kms && var.adopt_kept ? toset(["secrets"]) : toset([])

  to = google_kms_crypto_key.secrets[0]
  id = "projects/${var.project}/locations/global/keyRings/fanfare/cryptoKeys/${each.key}"
}

resource "google_kms_crypto_key_iam_member" "secret_manager" {
  count = var.use_kms ? 1 : 0

  crypto_key_id = google_kms_crypto_key.secrets[0].id
  role          = "roles/cloudkms.cryptoKeyEncrypterDecrypter"
  member        = local.secret_manager_agent
}
