"""How often Python looks for garbage."""

from __future__ import annotations

import contextlib
import gc
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

#: New objects minus deleted ones; a round makes about this many.
_OBJECTS_BEFORE_COLLECTION = 100_000


@contextlib.contextmanager
def rare_collections() -> Iterator[None]:
    """Makes Python collect garbage less often: an import and a check need nearly all of their objects until the end.

    Python's own thresholds cost a tenth of the time of an import without changes.
    """
    thresholds = gc.get_threshold()
    gc.set_threshold(_OBJECTS_BEFORE_COLLECTION, *thresholds[1:])
    try:
        yield
    finally:
        gc.set_threshold(*thresholds)
