# A Cloud KMS key around the tenants' data keys, where it is wanted: it never leaves KMS, which writes down who used it; who disables it makes every sealed field
# unreadable at once. Without it a secret does the wrapping (secrets.tf).

locals {
  # The functions that open sealed fields, and those of them that give tenants new data keys or wrap old ones anew.
  unwraps = toset([for name, keys in local.reads_keys : name if contains(keys, local.data_key)])
  wraps   = toset(["api", "schedule"])
}

resource "google_kms_key_ring" "fanfare" {
  count = var.use_kms ? 1 : 0

  name = "fanfare"
  # A database in a multi-region outlives a region: so must what opens it.
  location = "global"

  depends_on = [google_project_service.api]
}

resource "google_kms_crypto_key" "data_keys" {
  # checkov:skip=CKV_GCP_82:deletion_policy keeps it; prevent_destroy would let nothing else be destroyed either
  count = var.use_kms ? 1 : 0

  name            = "data-keys"
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
  for_each = var.use_kms && var.adopt_kept ? toset(["data-keys"]) : toset([])

  to = google_kms_crypto_key.data_keys[0]
  id = "projects/${var.project}/locations/global/keyRings/fanfare/cryptoKeys/${each.key}"
}

resource "google_kms_crypto_key_iam_member" "function" {
  for_each = var.use_kms ? local.unwraps : toset([])

  crypto_key_id = google_kms_crypto_key.data_keys[0].id
  role          = contains(local.wraps, each.key) ? "roles/cloudkms.cryptoKeyEncrypterDecrypter" : "roles/cloudkms.cryptoKeyDecrypter"
  member        = google_service_account.function[each.key].member
}
