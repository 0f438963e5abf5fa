"""Which processes stem from one: some children, such as the emulator's Java, leave their parent's process group."""

from __future__ import annotations

from pathlib import Path


def _parents() -> dict[int, int]:
    """Map each process id to its parent's, as /proc tells it; empty where there is no /proc."""
    parents: dict[int, int] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            text = stat.read_text(encoding="utf-8", errors="replace")
        except OSError:
            # The process ended while we looked.
            continue
        # The command's name stands in parentheses and may itself hold blanks and parentheses.
        fields = text.rpartition(")")[2].split()
        parents[int(stat.parent.name)] = int(fields[1])
    return parents


def descendants_of(ancestor: int) -> list[int]:
    """Return the process ids below `ancestor`, nearest first."""
    parents = _parents()
    found = [ancestor]
    for known in found:
        found.extend(child for child, parent in parents.items() if parent == known)
    return found[1:]
