"""The home that a command works in: one of Collective Mind, or, for those that only look into it, one of MLCFlow."""

from __future__ import annotations

import contextlib
import fcntl
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import BadInput
from ..homes import home_of
from ..homes.mlc import MlcHome
from ..way_in import enter_home, remember_home

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from ..homes.home import Home

_MLC_IMPORT = "mlcr import,mlperf,training,to-experiment"
_LOCK_FILE = "mlperf-training-import-start.lock"


def add_home_flag(parser: argparse.ArgumentParser) -> None:
    """The flag that names the CM home, for commands that :func:`use_home`."""
    parser.add_argument(
        "--home",
        type=Path,
        metavar="DIR",
        help="home to work in, or a folder that the demo made; default: what CM_REPOS names, or ~/CM",
    )


def use_home(folder: Path | None, *, may_be_new: bool = False) -> None:
    """Points Collective Mind to a home.

    Args:
        folder: a CM home, or the folder of a demo, which has one in it; None leaves the home as it is.
        may_be_new: a folder that does not exist yet, or is empty, becomes a CM home.

    Raises:
        BadInput: the folder is no CM home, or CM cannot work there.
    """
    if folder is None:
        return
    if _mlc_home_in(folder) is not None:
        raise BadInput(f"--home={folder}: a home of MLCFlow, where this is done by: {_MLC_IMPORT}")
    home = next((home for home in (folder / "CM", folder) if (home / "repos").is_dir()), None)
    if home is None:
        is_new = not folder.exists() or (folder.is_dir() and not any(folder.iterdir()))
        if not (may_be_new and is_new):
            raise BadInput(f"--home={folder}: no CM home, and no folder that the demo made")
        home = folder
    check_place(home)
    os.environ["CM_REPOS"] = str(home.resolve())
    remember_home(folder)


def check_place(home: Path) -> None:
    """Refuses a place in which Collective Mind cannot work.

    Raises:
        BadInput: its path has blanks, commas or quotes.
    """
    if any(c.isspace() or c in ",'\"" for c in str(home.resolve())):
        raise BadInput(f"{home.resolve()}: CM cannot work below a path with blanks, commas or quotes; choose another --home")


@contextlib.contextmanager
def alone_in_home() -> Iterator[None]:
    """Keeps others of our commands from preparing the CM home at the same time: CM makes its files in place.

    Raises:
        OSError: the home cannot be made or written.
    """
    home = Path(os.environ.get("CM_REPOS", "").strip() or Path.home() / "CM")
    home.mkdir(parents=True, exist_ok=True)
    handle = os.open(home / _LOCK_FILE, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def open_home(folder: Path | None, *, may_be_new: bool = False) -> Home:
    """The home for a command that only looks into it, or fetches: one of Collective Mind, or of MLCFlow.

    Args:
        folder: as for :func:`use_home`, or a home of MLCFlow.
        may_be_new: as for :func:`use_home`.

    Raises:
        BadInput: as there.
    """
    if folder is not None and (mlc := _mlc_home_in(folder)) is not None:
        home: Home = MlcHome(mlc.resolve())
    else:
        use_home(folder, may_be_new=may_be_new)
        home = home_of(collective_mind())
    enter_home(home.commands, home.repos_path)
    return home


def collective_mind() -> Any:
    """A Collective Mind of our own, which sees what other processes have changed."""
    from ..homes.cm import collective_mind

    return collective_mind()


def _mlc_home_in(folder: Path) -> Path | None:
    """The home of MLCFlow that is a folder, or lies in it; None where there is none."""
    return next((home for home in (folder, folder / "repos") if (home / "local" / "meta.yaml").is_file()), None)
