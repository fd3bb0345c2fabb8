"""A reader's own heads: files of queries and keys → heads, read lazily and within bounded memory."""

from experiments.audit.opening import open_heads
from experiments.audit.sources import Audited, HeadSource

__all__ = ["Audited", "HeadSource", "open_heads"]
