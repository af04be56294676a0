"""Checks for the library that the data set needs, and says how to install it."""

from __future__ import annotations

import importlib.util
import sys

from ..errors import ImportFailure
from ..place import IMPORT_SCRIPT

_REQUIREMENTS = IMPORT_SCRIPT / "requirements-dataset.txt"


class MissingLibrary(ImportFailure):
    """The library that writes and reads the files is not installed."""


def has_library() -> bool:
    """Whether the library is installed."""
    return importlib.util.find_spec("pyarrow") is not None


def need_library() -> None:
    """Fails at once where the library is missing.

    Raises:
        MissingLibrary: pyarrow is not installed.
    """
    try:
        import pyarrow  # noqa: F401
    except ImportError as error:
        raise MissingLibrary(f"{error}; a data set needs: {sys.executable} -m pip install -r {_REQUIREMENTS}") from error
