"""Cloud Tasks: queues, tasks, dispatch with the documented backoff, rate and concurrency limits."""
