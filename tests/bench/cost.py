"""`make cost`: dollars per million recipients, beside the same broadcast done the usual way, and what an idle deployment costs a month.

Nothing is sent: the counts are those that `tests/e2e/test_broadcast_budgets.py` holds the code to, the prices stand in `domain/prices.py`.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from math import ceil

from local.settings import ROOT

sys.path.append(str(ROOT / "functions"))

from fanfare.domain.cost import (
    ASSUMED,
    CHUNK,
    GIB,
    MEASURED,
    VCPUS,
    Line,
    bill,
    broadcast_operations,
    direct_operations,
    dollars,
    sending_seconds,
    shards_for,
    total,
    usual_operations,
)
from fanfare.domain.idle_month import TICKS, idle_month
from fanfare.domain.prices import AS_OF, FIRESTORE, INTERNET_BYTES, STORED_BYTES, Edition
from fanfare.domain.receipt_cost import RECEIPTS, RECEIPTS_ASSUMED, receipt_operations
from tests.bench.report import table, write_between_markers

MILLION = 1_000_000
READ = MILLION // 2
GOAL = 0.05
DOCUMENT = ROOT / "docs/performance.md"
MARKER = "cost"
_DATABASE = ("reads", "writes", "deletes")
_COMPUTING = frozenset({"instance time", "memory", "requests"})
_COLUMNS = ("a million recipients, $", "reads", "writes and deletes", "tasks", "instance time", "logs", "egress", "in all")


def main(arguments: Sequence[str]) -> int:
    """Print the tables; returns the exit status, 1 where the goal is missed."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.cost", description=__doc__)
    parser.add_argument("--write", action="store_true", help="write them into docs/performance.md too")
    write = parser.parse_args(arguments).write
    text = report()
    sys.stdout.write(f"{text}\n")
    if write:
        write_between_markers(DOCUMENT, text, MARKER)
    return 0 if promised() <= GOAL else 1


def promised() -> float:
    """Dollars for a million recipients, by which the goal is judged: at the dearer prices of the Standard edition."""
    return dollars(broadcast_operations(MILLION, shards_for(MILLION)), Edition.STANDARD_MULTI_REGION)


def report() -> str:
    """Everything that is printed, as Markdown."""
    return f"""\
`make cost` made this section: list prices of {AS_OF}, nothing free.

{broadcast_table()}

{_notes()}

An idle month, Firestore {Edition.STANDARD_MULTI_REGION}:

{idle_table()}

{_idle_notes()}

Prices:

{price_table()}"""


def broadcast_table() -> str:
    """Fanfare in each edition, what the receipts of that cost, then the usual way in each."""
    ours = [_row(f"Fanfare, {edition}", bill(broadcast_operations(MILLION, shards_for(MILLION)), edition)) for edition in Edition]
    usual = [_row(f"the usual way, {edition}", bill(usual_operations(MILLION), edition)) for edition in Edition]
    received = [_row(f"receipts of it, {edition}", bill(receipt_operations(MILLION, READ), edition)) for edition in Edition]
    return table(_COLUMNS, [*ours, *received, *usual])


def _row(title: str, lines: tuple[Line, ...]) -> list[str]:
    cells = [_sum(lines, {"reads"}), _sum(lines, {"writes", "deletes"}), _sum(lines, {"tasks"}), _sum(lines, _COMPUTING)]
    return [title, *map(_money, [*cells, _sum(lines, {"logs"}), _sum(lines, {"egress"})]), f"**{_money(total(lines))}**"]


def _sum(lines: tuple[Line, ...], names: frozenset[str] | set[str]) -> float:
    return sum(line.dollars for line in lines if line.name in names)


def idle_table() -> str:
    """Each line with nothing free, and with the free allowances of an account that uses nothing else."""
    lines = idle_month()
    rows = [[line.name, f"{line.amount:,.0f}", _money(line.dollars), _money(line.dollars_beyond_free)] for line in lines]
    sums = [total(lines), total(lines, lambda line: line.dollars_beyond_free)]
    return table(("", "a month", "$, nothing free", "$, beyond what is free"), [*rows, ["in all", "", *(f"**{_money(each)}**" for each in sums)]])


def price_table() -> str:
    """Every price with its source."""
    database = [
        (f"Firestore {edition}: {name}", getattr(prices, name)) for edition, prices in FIRESTORE.items() for name in ("reads", "writes", "deletes")
    ]
    lines = (*bill(usual_operations(1), Edition.STANDARD_REGION), *idle_month())
    others = {line.name: line.price for line in lines if line.name not in _DATABASE}
    rows = [[name, f"{price.dollars:g}", f"{price.per:,.0f}", f"{price.free:,.0f}", price.source] for name, price in [*database, *others.items()]]
    return table(("", "$", "for", "free a month", "source"), rows)


def _notes() -> str:
    chunks = shards_for(MILLION)
    named = ceil(MILLION / CHUNK) * dollars(direct_operations(CHUNK, CHUNK, 1), Edition.STANDARD_MULTI_REGION)
    egress, stored = INTERNET_BYTES.of(MILLION * MEASURED.message_bytes), STORED_BYTES.of(MILLION * MEASURED.result_bytes)
    sentences = (
        (
            f"Counted: {MEASURED.reads_a_chunk:g} reads and {MEASURED.writes_a_chunk:g} written documents a shard, {MEASURED.reads_a_broadcast} and "
            f"{MEASURED.writes_a_broadcast} besides, {chunks:,} shards; a delete for each chunk's document when its retention ends."
        ),
        (
            f"Measured: {MEASURED.cpu_seconds_a_message * 1e6:.0f} µs of CPU a message, {MEASURED.send_each_cpu_seconds * 1e6:.0f} with `send_each`, "
            "whose reads and writes are left out, in its favour."
        ),
        *_time_notes(chunks),
        (
            f"Traffic to FCM ({MEASURED.message_bytes} bytes a message) is taken as traffic to a product of Google's, which is not charged; "
            f"as internet traffic it would come to ${_money(egress)} more, in every row."
        ),
        f"Not in the sum: storing a million results, ${_money(stored)} a month while kept; retries; a read and a write for each dead target.",
        *_receipt_notes(),
        f"Named recipients, 500 a request, cost ${_money(named)} a million, because each device is read.",
    )
    return "\n".join(f"- {sentence}" for sentence in sentences)


def _time_notes(chunks: int) -> tuple[str, str]:
    alone = replace(ASSUMED, concurrency=1)
    shared, single = (sending_seconds(MILLION, chunks, assumed=assumed) for assumed in (ASSUMED, alone))
    dearer = dollars(broadcast_operations(MILLION, chunks, assumed=alone), Edition.STANDARD_MULTI_REGION)
    return (
        (
            f"Assumed: FCM answers in {ASSUMED.fcm_seconds * 1e3:.0f} ms, {ASSUMED.streams} streams a connection; a chunk's calls of Firestore take "
            f"{ASSUMED.database_seconds_a_chunk * 1e3:.0f} ms; a vCPU is taken to be {ASSUMED.cpu_factor:g} times as slow as the core measured on; "
            f"Cloud Run logs {ASSUMED.request_log_bytes:,} bytes a request."
        ),
        (
            f"{ASSUMED.concurrency} requests an instance of {VCPUS:g} vCPU and {GIB:g} GiB: {shared:,.0f} s of instance time for sending. "
            f"One request an instance: {single:,.0f} s, and ${_money(dearer)} in all instead of the first row."
        ),
    )


def _receipt_notes() -> tuple[str, str]:
    receipts = dollars(receipt_operations(MILLION, READ), Edition.STANDARD_MULTI_REGION)
    return (
        (
            f"**Receipts dominate**: {receipts / promised():,.0f} times what sending costs, if all of the million report `delivered` and half "
            '`read`. A message with `"receipts": false` has none; one that nobody reports costs nothing.'
        ),
        (
            f"A receipt, counted: {RECEIPTS.writes_a_report} write a report, "
            f"{RECEIPTS.reads_of_a_read} read for `read`, {RECEIPTS.reads_of_sums} reads to sum it, {RECEIPTS.writes_of_a_device} write for a device "
            "first heard of that day, a read and a delete when its retention ends. Measured: "
            f"{RECEIPTS.cpu_seconds_a_request * 1e3:g} ms of CPU a request, {RECEIPTS.cpu_seconds_of_sums * 1e3:g} to sum it. Assumed: each thing is "
            f"reported by a request of its own, {RECEIPTS_ASSUMED.seen_first:.0%} of the devices are heard of first by it, "
            f"{RECEIPTS_ASSUMED.concurrency} requests an instance, {RECEIPTS_ASSUMED.database_seconds_a_request * 1e3:g} ms of Firestore each."
        ),
    )


def _idle_notes() -> str:
    jobs = ", ".join(f"{job.name} {job.count:,} ticks of {job.reads} reads and {job.seconds:g} s" for job in TICKS)
    return f"A tick that finds nothing: {jobs}. What is free is free once an account."


def _money(amount: float) -> str:
    return f"{amount:.4f}" if amount < 1 else f"{amount:,.2f}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
