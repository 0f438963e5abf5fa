"""A process that asks a rate limiter many times in several threads, as an instance of `api` does, and prints how often it was let through."""

from __future__ import annotations

import sys
import threading

from fanfare.adapters.firestore.limits import FirestoreRateLimiter
from fanfare.domain.errors import Unavailable
from fanfare.domain.limits import Budget, LimitGroup
from tests.contract.stores.real import open_firestore
from tests.fakes import FixedClock

THREADS = 4


def main(host: str, project: str, limit: int, times: int) -> None:
    """Ask so many times in each thread, all at one instant; like the gate, count an answer that does not come as a yes."""
    firestore = open_firestore(host, project)
    limiter, budget = FirestoreRateLimiter(firestore, FixedClock()), Budget("acme", "client-1", LimitGroup.SEND, limit)
    passed: list[int] = []

    def ask() -> None:
        for _ in range(times):
            try:
                passed.append(int(limiter.use(budget).allowed))
            except Unavailable:
                passed.append(1)

    sys.stdin.readline()
    threads = [threading.Thread(target=ask) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    sys.stdout.write(f"{sum(passed)}\n")
    firestore.close()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
