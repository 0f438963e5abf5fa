"""The Cloud Scheduler jobs, created in the stand-in with the client that production uses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from google.api_core.exceptions import Conflict
from google.auth.credentials import AnonymousCredentials
from google.cloud.scheduler_v1 import CloudSchedulerClient
from google.cloud.scheduler_v1.services.cloud_scheduler.transports.rest import CloudSchedulerRestTransport
from google.cloud.scheduler_v1.types import HttpMethod, HttpTarget, Job, OidcToken
from google.protobuf.duration_pb2 import Duration

_TIMEOUT_SECONDS = 10.0


@dataclass(frozen=True, kw_only=True)
class JobPolicy:
    """When a function is called; `name` is the function's and the job's."""

    name: str
    cron: str
    attempt_deadline_seconds: int = 300


JOBS = (
    JobPolicy(name="schedule", cron="* * * * *"),
    JobPolicy(name="rollup", cron="*/5 * * * *"),
    JobPolicy(name="cleanup", cron="17 3 * * *"),
    JobPolicy(name="keepalive", cron="* * * * *"),
)


def create_jobs(address: str, *, project: str, region: str, urls: Mapping[str, str], service_account: str) -> None:
    """Create every job at the server on `address` (host:port); one that exists is left as it is."""
    transport = CloudSchedulerRestTransport(host=address, url_scheme="http", credentials=AnonymousCredentials())
    parent = f"projects/{project}/locations/{region}"
    with CloudSchedulerClient(transport=transport) as client:
        for policy in JOBS:
            try:
                client.create_job(parent=parent, job=_to_job(policy, parent, urls[policy.name], service_account), timeout=_TIMEOUT_SECONDS)
            except Conflict:
                continue


def _to_job(policy: JobPolicy, parent: str, url: str, service_account: str) -> Job:
    return Job(
        name=f"{parent}/jobs/{policy.name}",
        schedule=policy.cron,
        time_zone="Etc/UTC",
        attempt_deadline=Duration(seconds=policy.attempt_deadline_seconds),
        http_target=HttpTarget(
            uri=url,
            http_method=HttpMethod.POST,
            oidc_token=OidcToken(service_account_email=service_account, audience=url),
        ),
    )
