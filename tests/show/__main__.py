"""`make follow-a-push`: follow one push and print the transcript; exit with 1 if it was lost on the way or if outlets differ."""

from __future__ import annotations

import sys

import requests

from local.errors import StackError
from local.settings import ROOT

sys.path.append(str(ROOT / "functions"))

from tests.show.follow import follow_push
from tests.show.outlet import FollowError
from tests.show.place import a_place
from tests.show.report import report


def say(text: str) -> None:
    """Print a line at once, also into a pipe."""
    print(text, flush=True)  # noqa: T201 - a command talks


def main() -> int:
    """Follow; returns the exit status."""
    try:
        with a_place(say) as place:
            say("")
            seen = follow_push(place, say)
        for line in report(seen):
            say(line)
    # The end-to-end harness asserts: a wrong answer of the API is one of these.
    except (FollowError, StackError, AssertionError, requests.RequestException) as error:
        print(f"The push was lost: {error}", file=sys.stderr)  # noqa: T201
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
