"""The headers that tell a handler about its task."""

from __future__ import annotations

from local.cloud.tasks.task import Task


def build_dispatch_headers(task: Task) -> dict[str, str]:
    """Return the headers of the task's next attempt; what was answered before only stands there on a retry."""
    queue_name, _, task_id = task.name.partition("/tasks/")
    headers = {
        "User-Agent": "Google-Cloud-Tasks",
        "X-CloudTasks-QueueName": queue_name.rpartition("/")[2],
        "X-CloudTasks-TaskName": task_id,
        "X-CloudTasks-TaskRetryCount": str(task.dispatch_count),
        "X-CloudTasks-TaskExecutionCount": str(task.execution_count),
        "X-CloudTasks-TaskETA": f"{task.schedule_time:.6f}",
    }
    if task.last_answer is not None:
        headers["X-CloudTasks-TaskRetryReason"] = task.last_answer.reason
        if task.last_answer.status is not None:
            headers["X-CloudTasks-TaskPreviousResponse"] = str(task.last_answer.status)
    return headers
