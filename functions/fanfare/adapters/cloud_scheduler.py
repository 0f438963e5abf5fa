"""Google Cloud Scheduler: whether the jobs that call our functions run."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from fanfare.adapters.google_errors import translated
from fanfare.config import SCHEDULED_FUNCTIONS, Settings
from fanfare.domain.health import JobSeen, job_problem

if TYPE_CHECKING:
    from google.cloud.scheduler_v1 import CloudSchedulerClient, Job

PROBE_SECONDS = 2.0


class CloudSchedulerJobs:
    """The jobs of this deployment, each named like the function that it calls; the local stand-in serves them beside Cloud Tasks."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def probe(self) -> tuple[str, ...]:
        """Look at the jobs and say what is wrong with them; Unavailable if Cloud Scheduler does not answer in two seconds."""
        parent = f"projects/{self._settings.project}/locations/{self._settings.region}"
        with translated("Cloud Scheduler"):
            jobs = {job.name.rpartition("/")[2]: _seen(job) for job in self._client.list_jobs(parent=parent, timeout=PROBE_SECONDS, retry=None)}
        return tuple(problem for name in SCHEDULED_FUNCTIONS if (problem := job_problem(name, jobs.get(name))))

    @cached_property
    def _client(self) -> CloudSchedulerClient:
        # Imported at the first use: only an instance that is asked how everything is needs it.
        from google.cloud.scheduler_v1 import CloudSchedulerClient  # noqa: PLC0415

        if not self._settings.cloud_tasks_endpoint:
            return CloudSchedulerClient()
        from google.auth.credentials import AnonymousCredentials  # noqa: PLC0415
        from google.cloud.scheduler_v1.services.cloud_scheduler.transports.rest import CloudSchedulerRestTransport  # noqa: PLC0415

        address = urlsplit(self._settings.cloud_tasks_endpoint)
        transport = CloudSchedulerRestTransport(host=address.netloc, url_scheme=address.scheme, credentials=AnonymousCredentials())
        return CloudSchedulerClient(transport=transport)


def _seen(job: Job) -> JobSeen:
    # What has never been attempted, or is being attempted for the first time, has no status or a negative one.
    code = job.status.code if job.last_attempt_time else None
    return JobSeen(job.state.name == "ENABLED", code if code is not None and code >= 0 else None)
