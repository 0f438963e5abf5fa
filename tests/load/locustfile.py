"""Mixed traffic for locust: two senders of bulk messages at a fixed rate, and any number of backends that do everything else.

`make load` runs it. By hand, against the stack that `make run` has started, or against a deployment that FANFARE_URL names with the FANFARE_CLIENT_ID
and FANFARE_CLIENT_TOKEN of a client whose limits are raised:

    .local/load-venv/bin/python -m locust -f tests/load/locustfile.py --headless --users 8 --run-time 2m --stop-timeout 30

Those whom bulk sends reach are registered first, which is not measured.
"""

from __future__ import annotations

import itertools
import os
import time
import uuid
from collections import deque
from http import HTTPStatus
from pathlib import Path
from typing import Any

import requests
from locust import FastHttpUser, constant_pacing, events, task
from locust.exception import StopUser

from tests.load.caller import find_caller
from tests.load.run import Run
from tests.load.traffic import (
    CROWD_PATH,
    MOST_A_CALL,
    ROUTES,
    SIZES,
    new_device,
    one_message,
    own_messages,
    path_of,
    reported,
)

SENDERS = 2
SECONDS_BETWEEN = 0.5
"""From one request of a backend to its next."""
REMEMBERED = 50
RECEIPTS_A_CALL = 20
TIMEOUT_SECONDS = 60.0

CALLER = find_caller(os.environ)
if CALLER is None:
    raise SystemExit("Set FANFARE_URL, FANFARE_CLIENT_ID and FANFARE_CLIENT_TOKEN, or start the local stack by `make run`.")


RUN = Run()


@events.init_command_line_parser.add_listener
def add_options(parser: Any) -> None:
    """What can be said of the traffic beside the number of users and how long they stay."""
    parser.add_argument("--bulk-rate", type=float, default=1_300, help="notifications a second that are sent through bulk")
    parser.add_argument("--devices", type=int, default=10_000, help="how many devices bulk sends reach in turn")
    parser.add_argument("--quiet-seconds", type=float, default=15, help="how long before the end nothing is sent through bulk any more")
    parser.add_argument("--record", default="", metavar="FILE", help="write what was done to this file, as JSON")


@events.init.add_listener
def register_crowd(environment: Any, **_: Any) -> None:
    """Register the devices that bulk sends reach; what goes wrong here ends the run."""
    began = time.monotonic()
    devices = [new_device(RUN.prefix, number) for number in range(environment.parsed_options.devices)]
    with requests.Session() as session:
        session.headers.update(CALLER.headers)
        for start in range(0, len(devices), MOST_A_CALL):
            page = {"devices": devices[start : start + MOST_A_CALL]}
            answer = session.post(CALLER.url + CROWD_PATH, json=page, timeout=TIMEOUT_SECONDS)
            answer.raise_for_status()
            RUN.crowd += [item["id"] for item in answer.json()["items"]]
    RUN.crowd_seconds = time.monotonic() - began


@events.test_start.add_listener
def begin(environment: Any, **_: Any) -> None:
    """Begin to measure."""
    RUN.begin(environment.parsed_options.run_time, environment.parsed_options.quiet_seconds)


@events.quitting.add_listener
def write_record(environment: Any, **_: Any) -> None:
    """Leave behind what was done."""
    if environment.parsed_options.record:
        RUN.write(Path(environment.parsed_options.record), environment)


class ApiUser(FastHttpUser):
    """Somebody with the client's credential."""

    abstract = True
    host = CALLER.url
    network_timeout = TIMEOUT_SECONDS

    def ask(self, kind: str, expected: HTTPStatus, *, name: str = "", key: bool = False, **options: Any) -> Any:
        """Send a request of this kind and return the content of its answer; None, noted as an error, where another answer came than was expected."""
        method, path = path_of(kind, name)
        headers = {**CALLER.headers, **({"Idempotency-Key": uuid.uuid4().hex} if key else {})}
        with self.client.request(method, path, name=ROUTES[kind][1], headers=headers, catch_response=True, **options) as answer:
            if answer.status_code == expected:
                return answer.json()
            answer.failure(f"{answer.status_code} {(answer.text or '')[:300]}")
        return None


class BulkSender(ApiUser):
    """Sends to a thousand to ten thousand devices at once, all senders together at the rate that was asked for, until the run is nearly over."""

    fixed_count = SENDERS

    def on_start(self) -> None:
        """Begin with other sizes than the other senders."""
        self.turns = itertools.count(RUN.senders * 2)
        RUN.senders += 1
        self.due = time.monotonic()

    def wait_time(self) -> float:
        """Until what was sent would have been due at this sender's part of the rate; whoever is late doesn't wait."""
        return max(0.0, self.due - time.monotonic())

    @task
    def send(self) -> None:
        """Send once more."""
        if RUN.is_quiet:
            raise StopUser
        turn = next(self.turns)
        devices = RUN.next_devices(SIZES[turn % len(SIZES)])
        self.due += len(devices) * SENDERS / self.environment.parsed_options.bulk_rate
        if accepted := self.ask("bulk", HTTPStatus.ACCEPTED, key=True, json=own_messages(devices) if turn % 2 else one_message(devices)):
            RUN.bulk.append(accepted["id"])


class Backend(ApiUser):
    """What an app's backend does all day beside sending to many."""

    wait_time = constant_pacing(SECONDS_BETWEEN)

    def on_start(self) -> None:
        """Know somebody to send to."""
        self.prefix = f"mixed-{uuid.uuid4().hex[:12]}-"
        self.numbers = itertools.count()
        self.devices: deque[str] = deque(maxlen=REMEMBERED)
        self.sent: deque[str] = deque(maxlen=REMEMBERED)
        self.register()
        self.notify()

    @task(6)
    def register(self) -> None:
        """Register a new device."""
        if registered := self.ask("register", HTTPStatus.CREATED, key=True, json=new_device(self.prefix, next(self.numbers))):
            self.devices.append(registered["id"])

    @task(12)
    def notify(self) -> None:
        """Send to the one who has waited longest."""
        if not self.devices:
            return
        self.devices.rotate()
        if accepted := self.ask("notify", HTTPStatus.ACCEPTED, key=True, json=one_message([self.devices[0]])):
            self.sent.append(accepted["id"])

    @task(8)
    def status(self) -> None:
        """Ask what became of the newest message."""
        if self.sent:
            self.ask("status", HTTPStatus.OK, name=self.sent[-1])

    @task(2)
    def statuses(self) -> None:
        """Ask what became of the newest messages to many, and of our own."""
        if known := [*RUN.bulk[-10:], *self.sent]:
            self.ask("statuses", HTTPStatus.OK, json={"ids": known})

    @task(2)
    def list_deliveries(self) -> None:
        """Look at a page of the recipients of a message to many."""
        if RUN.bulk:
            self.ask("deliveries", HTTPStatus.OK, name=RUN.bulk[-1], params={"limit": 50})

    @task(2)
    def list_notifications(self) -> None:
        """Look at the newest notifications."""
        self.ask("notifications", HTTPStatus.OK, params={"limit": 20})

    @task(1)
    def list_devices(self) -> None:
        """Look at a page of devices."""
        self.ask("devices", HTTPStatus.OK, params={"limit": 50})

    @task(4)
    def report(self) -> None:
        """Report what has just come to some devices, as their apps do: the simulator has their messages, and only there can they be looked into."""
        if CALLER.simulator_url and (tokens := _newest_tokens()):
            self.ask("receipts", HTTPStatus.OK, json=reported(tokens, "delivered"))
            self.ask("receipts", HTTPStatus.OK, json=reported(tokens[::2], "read"))


def _newest_tokens() -> list[str]:
    """The receipt tokens of the newest messages to the crowd."""
    shown = requests.get(f"{CALLER.simulator_url}/_sim/messages", params={"limit": str(RECEIPTS_A_CALL)}, timeout=TIMEOUT_SECONDS).json()["messages"]
    return [message["message"]["data"]["fanfare_receipt"] for message in shown if message["target"].startswith(RUN.prefix)]
