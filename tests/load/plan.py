"""How much traffic, for how long, and what is promised of it."""

from __future__ import annotations

from dataclasses import dataclass

LEAST_USERS = 3
"""The two that send through bulk, and one for everything else."""
LEAST_SECONDS = 20


@dataclass(frozen=True, slots=True)
class Plan:
    """`least` notifications a second, over the whole run, are to be accepted through bulk and delivered before it ends."""

    seconds: int = 120
    users: int = 8
    devices: int = 10_000
    least: int = 1_000

    @property
    def quiet_seconds(self) -> float:
        """How long before the end nothing is sent through bulk any more, so that what was accepted can be delivered within the run."""
        return max(5.0, self.seconds / 8)

    @property
    def bulk_rate(self) -> float:
        """Notifications a second to be sent until then: a tenth more than what the whole run has to make."""
        return 1.1 * self.least * self.seconds / (self.seconds - self.quiet_seconds)

    def locust_options(self, record: str) -> list[str]:
        """The same as locust takes it."""
        said = {
            "--users": self.users,
            "--spawn-rate": self.users,
            "--run-time": f"{self.seconds}s",
            "--stop-timeout": "30",
            "--devices": self.devices,
            "--bulk-rate": f"{self.bulk_rate:.0f}",
            "--quiet-seconds": self.quiet_seconds,
            "--record": record,
        }
        return ["--headless", "--only-summary", *(str(word) for option in said.items() for word in option)]
