"""What receipts cost: each is a request, a document, and a place in the sums. They cost far more than sending, and a message may do without.

A device that has reported nothing costs nothing. One that reports each thing by a request of its own, as apps do, costs the most.
"""

from __future__ import annotations

from dataclasses import dataclass

from fanfare.domain.cost import ASSUMED, Assumptions, Operations


@dataclass(frozen=True, slots=True)
class ReceiptCosts:
    """What one report takes; a read or write is that of a document. Counted by `tests/e2e/test_receipts_api.py`, timed on one core.

    A `read` looks at the receipt, a `delivered` does not. Requests are counted by each instance in memory. The sums read the receipt and its device,
    and note that its app was heard of. A receipt is read once more by the cleanup that removes it.
    """

    writes_a_report: int = 1
    reads_of_a_read: int = 1
    reads_of_sums: int = 2
    writes_of_a_device: int = 1
    cpu_seconds_a_request: float = 2.3e-3
    cpu_seconds_of_sums: float = 0.23e-3
    log_bytes_a_request: int = 300


@dataclass(frozen=True, slots=True)
class ReceiptAssumptions:
    """What differs from one app to the next. `seen_first`: the share of devices that were not heard of that day yet, a write each."""

    database_seconds_a_request: float = 0.03
    concurrency: int = 16
    seen_first: float = 1.0


RECEIPTS = ReceiptCosts()
RECEIPTS_ASSUMED = ReceiptAssumptions()


def receipt_operations(
    delivered: int, read: int, costs: ReceiptCosts = RECEIPTS, assumed: Assumptions = ASSUMED, receipts: ReceiptAssumptions = RECEIPTS_ASSUMED
) -> Operations:
    """Receipts of so many devices that a message came to, and of those of them who read it, each reported by itself by an app."""
    reports = delivered + read
    reads = read * costs.reads_of_a_read + reports * costs.reads_of_sums + delivered
    writes = reports * costs.writes_a_report + delivered * costs.writes_of_a_device * receipts.seen_first
    cpu = reports * (costs.cpu_seconds_a_request + costs.cpu_seconds_of_sums) * assumed.cpu_factor
    return Operations(
        reads=reads,
        writes=writes,
        deletes=delivered,
        read_units=reads,
        write_units=writes + delivered,
        requests=reports,
        instance_seconds=max(cpu, reports * receipts.database_seconds_a_request / receipts.concurrency),
        log_bytes=reports * (costs.log_bytes_a_request + assumed.request_log_bytes),
    )
