# A place to try things: no instance waits for requests, and everything can be deleted.
environment         = "dev"
deletion_protection = false
log_level           = "DEBUG"
monthly_budget      = 20
