"""List prices of what a deployment uses, in US dollars: one table, with its date and its sources.

Free allowances stand beside their prices; whoever computes says whether they are taken off. Taxes, discounts for commitment and the lower prices of
large volumes are left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

AS_OF = "2026-11"
DAYS_A_MONTH = 30


@dataclass(frozen=True, slots=True)
class Price:
    """`dollars` for `per` of something, beyond `free` of them a month."""

    dollars: float
    per: float
    source: str
    free: float = 0.0

    def of(self, amount: float) -> float:
        """What an amount costs, nothing of it free."""
        return amount * self.dollars / self.per

    def beyond_free(self, amount: float) -> float:
        """What an amount in one month costs, if nothing else uses the free allowance."""
        return self.of(max(0.0, amount - self.free))


class Edition(StrEnum):
    """What Firestore is paid by: per document, whatever its size, or per 4 KiB read and 1 KiB written."""

    STANDARD_MULTI_REGION = "Standard, multi-region"
    STANDARD_REGION = "Standard, one US region"
    ENTERPRISE_REGION = "Enterprise, one US region"


@dataclass(frozen=True, slots=True)
class DatabasePrices:
    """Firestore's prices in one edition: for documents in Standard; for units, and deletes as writes, in Enterprise."""

    reads: Price
    writes: Price
    deletes: Price
    by_size: bool = False


_STANDARD = "cloud.google.com/firestore/pricing"
_ENTERPRISE = "cloud.google.com/firestore/enterprise/pricing"
_RUN = "cloud.google.com/run/pricing, request-based billing, tier 1"
_FREE_READS, _FREE_WRITES, _FREE_DELETES, _FREE_UNITS = (count * DAYS_A_MONTH for count in (50_000, 20_000, 20_000, 40_000))


def _standard(read: float, write: float, delete: float) -> DatabasePrices:
    return DatabasePrices(
        Price(read, 100_000, _STANDARD, _FREE_READS), Price(write, 100_000, _STANDARD, _FREE_WRITES), Price(delete, 100_000, _STANDARD, _FREE_DELETES)
    )


FIRESTORE: Mapping[Edition, DatabasePrices] = {
    Edition.STANDARD_MULTI_REGION: _standard(0.06, 0.18, 0.02),
    Edition.STANDARD_REGION: _standard(0.03, 0.09, 0.01),
    Edition.ENTERPRISE_REGION: DatabasePrices(
        Price(0.05, 1_000_000, _ENTERPRISE, _FREE_READS),
        Price(0.26, 1_000_000, _ENTERPRISE, _FREE_UNITS),
        Price(0.26, 1_000_000, _ENTERPRISE),
        by_size=True,
    ),
}
READ_UNIT_BYTES = 4_096
WRITE_UNIT_BYTES = 1_024
"""What one unit of the Enterprise edition covers of a document (cloud.google.com/firestore/enterprise/pricing)."""

TASK_OPERATIONS = Price(0.40, 1_000_000, "cloud.google.com/tasks/pricing", 1_000_000)
"""A task costs one operation to create and one for each delivery, by 32 KiB."""
VCPU_SECONDS = Price(0.000024, 1, _RUN, 180_000)
GIB_SECONDS = Price(0.0000025, 1, _RUN, 360_000)
REQUESTS = Price(0.40, 1_000_000, _RUN, 2_000_000)
BILLED_STEP_SECONDS = 0.1
"""An instance's time is billed while it answers, rounded up to this."""
LOG_BYTES = Price(0.50, 2**30, "cloud.google.com/stackdriver/pricing", 50 * 2**30)
EGRESS_BYTES = Price(0.0, 2**30, "cloud.google.com/vpc/pricing: traffic to Google's own products is not charged; that FCM is one of them is assumed")
INTERNET_BYTES = Price(0.12, 2**30, "cloud.google.com/vpc/network-pricing, premium tier", 2**30)
"""What the same bytes would cost if FCM counted as the internet."""
STORED_BYTES = Price(0.18, 2**30, "cloud.google.com/firestore/pricing, multi-region, a month", 2**30)
JOBS = Price(0.10, 1, "cloud.google.com/scheduler/pricing, a job and month", 3)
SECRET_VERSIONS = Price(0.06, 1, "cloud.google.com/secret-manager/pricing, an active version, place and month", 6)
SECRET_ACCESSES = Price(0.03, 10_000, "cloud.google.com/secret-manager/pricing", 10_000)
