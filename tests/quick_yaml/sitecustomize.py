"""Lets commands start quickly in tests: each YAML file is parsed by the first process only.

Python imports this by itself, as this folder is on their ``PYTHONPATH``. What was parsed is in the folder ``QUICK_YAML``.
Within a process, installed packages are listed once for each state of their folders. JSON with indents, such as the index
of Collective Mind, is written compactly by C and indented afterwards, to the same bytes.
"""

import contextlib
import functools
import json
import os
import pkgutil
import sys
import threading
from pathlib import Path

import yaml

_parse = yaml.load
#: That in C, where there is one, takes a tenth of the time; Collective Mind and MLCFlow use those in Python.
_IN_C = {
    yaml.FullLoader: getattr(yaml, "CFullLoader", yaml.FullLoader),
    yaml.SafeLoader: getattr(yaml, "CSafeLoader", yaml.SafeLoader),
}


def _load(stream, Loader):  # noqa: N803 - the name that Collective Mind calls it by
    """As ``yaml.load``."""
    loader = _IN_C.get(Loader, Loader)
    if loader not in _IN_C.values() or not hasattr(stream, "read"):
        return _parse(stream, loader)
    if "QUICK_YAML" not in os.environ:
        return _parse(stream, loader)
    import hashlib
    import pickle

    text = stream.read()
    kept = Path(os.environ["QUICK_YAML"], f"{loader.__name__}-{hashlib.sha256(text.encode()).hexdigest()}")
    try:
        return pickle.loads(kept.read_bytes())
    except FileNotFoundError:
        content = _parse(text, loader)
        part = kept.with_suffix(f".{os.getpid()}-{threading.get_ident()}")
        part.write_bytes(pickle.dumps(content))
        part.replace(kept)
        return content


_iter_modules = pkgutil.iter_modules


@functools.cache
def _installed(_state):
    return tuple(_iter_modules())


def _listed(path=None, prefix=""):
    """As ``pkgutil.iter_modules``, which Collective Mind calls whenever it starts."""
    if path is not None or prefix:
        return _iter_modules(path, prefix)
    state = ((folder, folder.stat().st_mtime_ns) for folder in map(Path, sys.path) if folder.is_dir())
    return iter(_installed(tuple(state)))


_dumps = json.dumps


def _indented(obj, *, indent=None, separators=None, **named):
    """As ``json.dumps``, whose encoder in C does not indent."""
    if indent == 2 and separators is None:
        # msgspec may be missing; NaN, half a surrogate
        with contextlib.suppress(ImportError, ValueError, RecursionError):
            import msgspec

            return msgspec.json.format(_dumps(obj, **named), indent=indent)
    return _dumps(obj, indent=indent, separators=separators, **named)


if yaml.load.__name__ != _load.__name__:  # the tests import this too, where Python may have done so already
    yaml.load = _load
    pkgutil.iter_modules = _listed
    json.dumps = _indented
