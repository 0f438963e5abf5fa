"""The tick of every minute: schedules fire, and the sweep goes on whatever becomes of them."""

from __future__ import annotations

from typing import Any

import pytest

from fanfare.domain.errors import Unavailable
from fanfare.domain.notification import FIRST_CHECK
from fanfare.web.schedule import build_schedule
from tests.factories import TENANT_ID, a_notification
from tests.fakes import FixedClock, MemoryNotificationStore, MemoryScheduleStore, RecordingTaskQueue, ScriptedCallAuthenticator, fake_deps


def _tick(**overrides: Any) -> Any:
    notifications, clock = MemoryNotificationStore(), FixedClock()
    notifications.accept(a_notification(next_check_at=clock.now() - FIRST_CHECK), [])
    callers = ScriptedCallAuthenticator({("schedule", "token"): None})
    deps = fake_deps(notifications=notifications, clock=clock, call_authenticator=callers, **overrides)
    return build_schedule(deps).test_client().post("/", headers={"Authorization": "Bearer token"})


def test_tick_says_what_it_has_done() -> None:
    answer = _tick()
    assert answer.status_code == 200
    assert answer.json["schedules"] == {"due": 0, "fired": 0, "failed": 0}
    assert answer.json["swept"]["notifications"] == 1


@pytest.mark.parametrize(("error", "status"), [(Unavailable("Firestore does not answer."), 409), (ZeroDivisionError(), 500)])
def test_sweep_goes_on_when_schedules_can_not_be_looked_for(error: Exception, status: int) -> None:
    class Lost(MemoryScheduleStore):
        def find_due(self, now: Any, limit: int) -> Any:
            raise error

    tasks = RecordingTaskQueue()
    assert _tick(schedules=Lost(), tasks=tasks).status_code == status
    assert [task.key.tenant for task in tasks.sends] == [TENANT_ID]
