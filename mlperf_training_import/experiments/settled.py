"""Remembers that a repository holds exactly what an import has, so that the same import need not merge it again.

The key is a digest of all that a merge depends on: the code and tables of this package, the repository, what is to be
published, and every byte of the experiments that are stored.
"""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import os
from typing import TYPE_CHECKING

import msgspec

from ..logs.cache import KeptRecord, fingerprint_of
from ..regular import sha256_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ..homes.home import Repository

_DIGEST_BYTES = 32
_FILE = "mlperf-training-published.record"
#: What is kept of ten thousand experiments has less.
_MOST_BYTES = 4 << 20
#: All that is stored of the published rounds has a tenth of this. Where people keep more beside it, merging takes less time.
_MOST_STORED_BYTES = 256 << 20
_MOST_STORED_FILES = 10_000
#: The number of results by experiment, for each that has something of the import.
Settled = dict[str, int]


class SettledStore:
    """What is known of the last publishing into a home.

    Args:
        target: the repository, and its home, which has the file that remembers.
        names: the experiments that a merge looks at.
        asked: all else that it depends on, as what MessagePack can hold; nothing is remembered of what it cannot.
    """

    def __init__(self, target: Repository, names: Iterable[str], asked: object) -> None:
        self._record = KeptRecord(target.home.repos_path / _FILE, is_kept=True)
        self._folders = [target.experiments / name for name in names]
        self._about: bytes | None = None
        with contextlib.suppress(OverflowError, ValueError):  # an integer of more than 64 bits, or half of a surrogate
            self._about = msgspec.msgpack.encode((os.fsencode(target.path), asked))

    def recall(self) -> Settled | None:
        """What a merge would find unchanged, and nothing else; None where it may find something else."""
        if (key := self._key()) is None or (packed := self._record.recall(key, _MOST_BYTES, younger_than_ns=0)) is None:
            return None
        try:
            return msgspec.msgpack.decode(packed, type=Settled)
        except msgspec.DecodeError:
            return None

    def keep(self, settled: Settled) -> None:
        """Remembers that the same merge would change nothing of what is stored now, and have nothing to say."""
        if (key := self._key()) is not None:
            self._record.keep(key, msgspec.msgpack.encode(settled))

    def _key(self) -> bytes | None:
        """A digest of what was asked and of all that the folders hold; None where that is odd, or too much."""
        if self._about is None:
            return None
        digest = hashlib.blake2b(self._about, key=fingerprint_of("."), digest_size=_DIGEST_BYTES)
        found = itertools.chain.from_iterable(itertools.chain([folder], folder.rglob("*")) for folder in self._folders)
        left = _MOST_STORED_BYTES
        try:
            paths = sorted(itertools.islice(found, _MOST_STORED_FILES + 1))
            if len(paths) > _MOST_STORED_FILES:
                return None
            for path in paths:
                is_folder = not path.is_symlink() and path.is_dir()  # fails for what cannot be looked at
                about = ("", 0) if is_folder else sha256_of(path, left, follow=False)
                left -= about[1]
                digest.update(msgspec.msgpack.encode((os.fsencode(path), is_folder, *about)))
        except OSError:
            return None
        return digest.digest()
