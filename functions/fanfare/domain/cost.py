"""What sending costs: from counts of operations to dollars. Nothing is looked up or timed here; what was counted and measured is `MeasuredCosts`.

An instance's time is billed while it has a request, whatever it waits for. A chunk waits for FCM most of its time, so an instance that takes one
request at a time is paid for waiting; one that takes eight shares it among them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from math import ceil
from operator import add

from fanfare.domain.compaction import Sizes, factor_for_mean
from fanfare.domain.prices import (
    EGRESS_BYTES,
    FIRESTORE,
    GIB_SECONDS,
    LOG_BYTES,
    READ_UNIT_BYTES,
    REQUESTS,
    TASK_OPERATIONS,
    VCPU_SECONDS,
    WRITE_UNIT_BYTES,
    Edition,
    Price,
)

CHUNK = 500
TASKS_A_FANOUT = 1_000
"""So many chunks are enqueued by one task of `fanout`."""
VCPUS, GIB = 1.0, 0.5
"""What an instance of `send` and of `fanout` has."""
OPERATIONS_A_TASK = 2
"""A task is created once and delivered once."""


@dataclass(frozen=True, slots=True)
class MeasuredCosts:
    """What sending takes; a read or write is that of a document. Counted by `tests/e2e/test_broadcast_budgets.py`, timed by `make bench-broadcast`.

    `…_a_chunk` is for each chunk (a broadcast's chunks are its shards), `…_a_broadcast` comes once for accepting, laying out and completing it.
    `kept_a_chunk` documents stay until their retention ends, and are then deleted.
    """

    reads_a_chunk: float = 2.0
    writes_a_chunk: float = 3.0
    kept_a_chunk: float = 1.0
    reads_a_broadcast: int = 48
    writes_a_broadcast: int = 30
    writes_a_request: int = 3
    cpu_seconds_a_message: float = 54e-6
    cpu_seconds_a_task: float = 2e-3
    row_bytes: int = 300
    result_bytes: int = 110
    message_bytes: int = 700
    log_bytes_a_chunk: int = 400
    send_each_cpu_seconds: float = 682e-6


@dataclass(frozen=True, slots=True)
class Assumptions:
    """What can't be measured here. `cpu_factor`: how much slower a vCPU of Cloud Run is taken to be than the core that `MeasuredCosts` is of."""

    fcm_seconds: float = 0.1
    database_seconds_a_chunk: float = 0.06
    streams: int = 100
    concurrency: int = 8
    cpu_factor: float = 2.0
    request_log_bytes: int = 1_200


MEASURED = MeasuredCosts()
ASSUMED = Assumptions()


@dataclass(frozen=True, slots=True)
class Operations:
    """What is billed. Reads, writes and deletes count documents; the units count their bytes by 4 KiB and 1 KiB, as the Enterprise edition does."""

    reads: float = 0
    writes: float = 0
    deletes: float = 0
    read_units: float = 0
    write_units: float = 0
    tasks: float = 0
    requests: float = 0
    instance_seconds: float = 0
    log_bytes: float = 0
    egress_bytes: float = 0

    def __add__(self, other: Operations) -> Operations:
        """Both together."""
        return Operations(*(add(getattr(self, name.name), getattr(other, name.name)) for name in fields(Operations)))


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a bill."""

    name: str
    amount: float
    price: Price

    @property
    def dollars(self) -> float:
        """What it costs, with nothing free."""
        return self.price.of(self.amount)

    @property
    def dollars_beyond_free(self) -> float:
        """What it costs if it is all that happens in a month."""
        return self.price.beyond_free(self.amount)


def shards_for(devices: int) -> int:
    """How many shards an audience of so many devices has once it is compacted: a power of two, with at most 400 devices in each on average."""
    return factor_for_mean(devices, 1, Sizes())


def broadcast_operations(devices: int, chunks: int, measured: MeasuredCosts = MEASURED, assumed: Assumptions = ASSUMED) -> Operations:
    """A broadcast: accepting it, laying it out, and its chunks, from rows that are read in packed shards."""
    fanouts = ceil(chunks / TASKS_A_FANOUT) + 1
    once = Operations(
        reads=measured.reads_a_broadcast,
        writes=measured.writes_a_broadcast,
        read_units=measured.reads_a_broadcast,
        write_units=measured.writes_a_broadcast,
        tasks=fanouts,
        requests=fanouts + 1,
        instance_seconds=chunks * measured.cpu_seconds_a_task * assumed.cpu_factor,
        log_bytes=(fanouts + 1) * (measured.log_bytes_a_chunk + assumed.request_log_bytes),
    )
    return once + _delivering(devices, chunks, measured, assumed) if chunks else once


def packing_operations(devices: int, shards: int, matching: int, chunks: int, measured: MeasuredCosts = MEASURED) -> Operations:
    """Finding the few rows of an audience that match, and copying them into chunks: each shard is read, each chunk written and later deleted."""
    units = chunks + ceil(matching * measured.row_bytes / WRITE_UNIT_BYTES)
    read = shards + ceil(devices * measured.row_bytes / READ_UNIT_BYTES)
    return Operations(reads=shards, writes=chunks, deletes=chunks, read_units=read, write_units=units + chunks)


def direct_operations(read: int, messages: int, chunks: int, measured: MeasuredCosts = MEASURED, assumed: Assumptions = ASSUMED) -> Operations:
    """A send for whose recipients the api reads `read` documents itself, and which it stores chunk by chunk. Nobody to send to is no chunk."""
    stored = max(0, chunks - 1)
    accepting = Operations(
        reads=read,
        writes=measured.writes_a_request - (0 if chunks else 1) + stored,
        deletes=chunks,
        read_units=read,
        write_units=measured.writes_a_request + ceil(messages * measured.row_bytes / WRITE_UNIT_BYTES) + chunks,
        requests=1,
        instance_seconds=assumed.database_seconds_a_chunk / assumed.concurrency,
        log_bytes=measured.log_bytes_a_chunk + assumed.request_log_bytes,
    )
    return accepting + _delivering(messages, chunks, measured, assumed) if chunks else accepting


def usual_operations(devices: int, measured: MeasuredCosts = MEASURED, assumed: Assumptions = ASSUMED) -> Operations:
    """The same broadcast as it is usually built: a document read for each device, `firebase_admin`'s `send_each`, a document written for each.

    Its instance time is the CPU of `send_each` alone, in its favour: what reading and writing the documents takes is left out.
    """
    chunks = ceil(devices / CHUNK)
    return Operations(
        reads=devices,
        writes=devices,
        deletes=devices,
        read_units=devices,
        write_units=2 * devices,
        tasks=chunks,
        requests=chunks,
        instance_seconds=devices * measured.send_each_cpu_seconds * assumed.cpu_factor,
        log_bytes=chunks * (measured.log_bytes_a_chunk + assumed.request_log_bytes),
        egress_bytes=devices * measured.message_bytes,
    )


def _delivering(messages: int, chunks: int, measured: MeasuredCosts, assumed: Assumptions) -> Operations:
    rows, kept = messages / chunks, chunks * measured.kept_a_chunk
    units_read = measured.reads_a_chunk - 1 + ceil(rows * measured.row_bytes / READ_UNIT_BYTES)
    # The claim, the result and the progress are one unit each; the packed results come on top. The claim's next check and its end are index entries.
    units_written = measured.writes_a_chunk + ceil(rows * measured.result_bytes / WRITE_UNIT_BYTES) + 2
    return Operations(
        reads=chunks * measured.reads_a_chunk,
        writes=chunks * measured.writes_a_chunk,
        deletes=kept,
        read_units=chunks * units_read,
        write_units=chunks * units_written + kept,
        tasks=chunks,
        requests=chunks,
        instance_seconds=sending_seconds(messages, chunks, measured, assumed),
        log_bytes=chunks * (measured.log_bytes_a_chunk + assumed.request_log_bytes),
        egress_bytes=messages * measured.message_bytes,
    )


def sending_seconds(messages: int, chunks: int, measured: MeasuredCosts = MEASURED, assumed: Assumptions = ASSUMED) -> float:
    """Instance time that delivering takes: what its CPU needs, or its waiting for FCM and Firestore, shared by the requests of an instance."""
    waves = ceil(messages / chunks / assumed.streams)
    waiting = chunks * (waves * assumed.fcm_seconds + assumed.database_seconds_a_chunk) / assumed.concurrency
    return max(waiting, messages * measured.cpu_seconds_a_message * assumed.cpu_factor)


def bill(operations: Operations, edition: Edition) -> tuple[Line, ...]:
    """What operations cost, line by line."""
    database = FIRESTORE[edition]
    by_size = database.by_size
    return (
        Line("reads", operations.read_units if by_size else operations.reads, database.reads),
        Line("writes", operations.write_units if by_size else operations.writes, database.writes),
        # Enterprise bills a delete as a write; it is among the write units already.
        Line("deletes", 0 if by_size else operations.deletes, database.deletes),
        Line("tasks", operations.tasks * OPERATIONS_A_TASK, TASK_OPERATIONS),
        *_computing(operations),
        Line("logs", operations.log_bytes, LOG_BYTES),
        Line("egress", operations.egress_bytes, EGRESS_BYTES),
    )


def _computing(operations: Operations) -> tuple[Line, ...]:
    return (
        Line("instance time", operations.instance_seconds * VCPUS, VCPU_SECONDS),
        Line("memory", operations.instance_seconds * GIB, GIB_SECONDS),
        Line("requests", operations.requests, REQUESTS),
    )


def total(lines: tuple[Line, ...], of: Callable[[Line], float] = lambda line: line.dollars) -> float:
    """The sum of a bill."""
    return sum(map(of, lines))


def dollars(operations: Operations, edition: Edition) -> float:
    """What operations cost in all, with nothing free."""
    return total(bill(operations, edition))
