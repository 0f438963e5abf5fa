"""The mark that a document was read with, where hashes of it stand elsewhere too."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class IndexedRevision:
    """When the document was written, and under which index keys its locks are held: whoever moves them knows what there is to take away."""

    updated_at: object
    index_keys: tuple[str, ...]
