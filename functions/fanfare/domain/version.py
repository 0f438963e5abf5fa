"""Which Fanfare this is: what the API's document says, and what endpoints are told."""

from __future__ import annotations

VERSION = "1.0.0"
