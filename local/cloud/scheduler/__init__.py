"""Cloud Scheduler: jobs that call an HTTP target on a cron schedule."""
