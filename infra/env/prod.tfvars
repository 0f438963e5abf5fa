# For real: somebody is always awake, and nothing is deleted by mistake.
environment           = "prod"
deletion_protection   = true
backup_retention_days = 35
log_retention_days    = 90
monthly_budget        = 500

# A cold start would be felt by a caller (api), and by whoever waits for a direct message (send).
instances = {
  api    = { min = 1, max = 50 }
  send   = { min = 1, max = 100 }
  stream = { min = 0, max = 20 }
}
