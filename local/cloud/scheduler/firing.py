"""Fires jobs on the minute, one execution of a job at a time."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime

from local.cloud.activity import Activity, BackgroundTasks
from local.cloud.caller import HttpCaller
from local.cloud.errors import already_exists, not_found
from local.cloud.scheduler.job import Job, JobSettings
from local.cloud.wire import format_timestamp


class JobRunner:
    """The timer and the executions of one job; the next one waits while one is under way, further ones are left out."""

    def __init__(self, job: Job, caller: HttpCaller, activity: Activity, background: BackgroundTasks) -> None:
        self.job = job
        self.unfinished = 0
        self._caller = caller
        self._activity = activity
        self._background = background
        self._one_at_a_time = asyncio.Lock()
        self._timer: asyncio.TimerHandle | None = None

    def arm(self) -> None:
        """Set the timer for the next scheduled minute, none while paused."""
        self.disarm()
        moment = self.job.settings.cron.next_after(datetime.now(UTC))
        if moment is None or self.job.is_paused:
            return
        self.job.schedule_time = moment.timestamp()
        wait = max(0.0, self.job.schedule_time - time.time())
        self._timer = asyncio.get_running_loop().call_later(wait, self._on_time)

    def disarm(self) -> None:
        """Stop the timer; an execution under way goes on."""
        self.job.schedule_time = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def run_now(self, scheduled: float) -> None:
        """Start an execution; one that would be the third at once is left out."""
        if self.unfinished < 2:
            self.unfinished += 1
            self._background.start(asyncio.create_task(self._execute(scheduled)))

    def _on_time(self) -> None:
        scheduled = self.job.schedule_time
        if scheduled is None:
            return
        if time.time() >= scheduled:
            self.run_now(scheduled)
        # A timer that came a moment early finds the same minute again.
        self.arm()

    async def _execute(self, scheduled: float) -> None:
        try:
            async with self._one_at_a_time:
                await self._attempt_until_done(scheduled)
        finally:
            self.unfinished -= 1
            self._activity.changed()

    async def _attempt_until_done(self, scheduled: float) -> None:
        settings = self.job.settings
        began = time.time()
        for attempt in range(settings.retry_count + 1):
            if await self._attempt(settings, scheduled):
                return
            wait = settings.backoff.wait_seconds(attempt)
            limit = settings.backoff.max_retry_seconds
            if attempt == settings.retry_count or (limit and time.time() + wait - began > limit):
                return
            await asyncio.sleep(wait)

    async def _attempt(self, settings: JobSettings, scheduled: float) -> bool:
        self.job.last_attempt_time = time.time()
        headers = {
            "User-Agent": "Google-Cloud-Scheduler",
            "X-CloudScheduler": "true",
            "X-CloudScheduler-JobName": self.job.name.rpartition("/")[2],
            "X-CloudScheduler-ScheduleTime": format_timestamp(scheduled),
        }
        self.job.last_answer = await self._caller.send(settings.target, headers, settings.deadline_seconds)
        return self.job.last_answer.is_success


class JobRegistry:
    """All jobs, by resource name."""

    def __init__(self, caller: HttpCaller, activity: Activity, background: BackgroundTasks) -> None:
        self._caller = caller
        self._activity = activity
        self._background = background
        self._runners: dict[str, JobRunner] = {}

    def create(self, name: str, settings: JobSettings) -> Job:
        """Make and arm a job; 409 when it exists."""
        if name in self._runners:
            raise already_exists(f"Job [{name}] already exists.")
        job = Job(name, settings, update_time=time.time())
        self._runners[name] = JobRunner(job, self._caller, self._activity, self._background)
        self._runners[name].arm()
        return job

    def find(self, name: str) -> JobRunner:
        """Return a job with its runner, else 404."""
        if name not in self._runners:
            raise not_found("Job not found.")
        return self._runners[name]

    def within(self, parent: str) -> list[Job]:
        """Return the jobs of a location."""
        return [runner.job for name, runner in self._runners.items() if name.startswith(f"{parent}/jobs/")]

    def delete(self, name: str) -> None:
        """Remove a job."""
        self.find(name).disarm()
        del self._runners[name]

    def is_idle(self) -> bool:
        """Say whether no job is running."""
        return not any(runner.unfinished for runner in self._runners.values())

    def close(self) -> None:
        """Fire nothing any more."""
        for runner in self._runners.values():
            runner.disarm()
