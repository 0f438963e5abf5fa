"""Server-sent events (html.spec.whatwg.org, 9.2): what a stream says, as it goes over the wire.

| said | on the wire |
|---|---|
| at first | `retry` and an `id` without data: who loses the connection before the first event goes on from here |
| an event | its cursor, its kind, its body: JSON has no line break |
| that it lives | a comment and, where events that were not asked for went by, the new cursor |
| its end | a comment that says why |
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from fanfare.services.stream_events import Said

RETRY_MILLISECONDS = 3000


def frames_of(said: Iterable[Said]) -> Iterator[bytes]:
    """Encode a stream, a frame for each thing that it says."""
    known = ""
    for thing in said:
        if not known:
            yield f"retry: {RETRY_MILLISECONDS}\nid: {thing.cursor}\n\n".encode()
        elif thing.event is not None:
            yield b"id: %b\nevent: %b\ndata: %b\n\n" % (thing.cursor.encode(), thing.event.kind.value.encode(), thing.event.body)
        else:
            comment = f": end ({thing.end})" if thing.end is not None else ": alive"
            moved = f"id: {thing.cursor}\n" if thing.cursor != known else ""
            yield f"{comment}\n{moved}\n".encode()
        known = thing.cursor
