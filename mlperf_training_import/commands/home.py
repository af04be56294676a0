"""What commands share: the home that they work in, and rounds that are named.

Most work in a home of Collective Mind; those that only look into it, in one of MLCFlow too.
"""

from __future__ import annotations

import argparse
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import BadInput
from ..homes import check_place
from ..values import LARGEST_LOG_MB
from ..way_in import own_command

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..homes.cm import CmHome
    from ..homes.home import Home

_MLC_IMPORT = "mlcr import,mlperf,training,to-experiment"


def add_home_flag(parser: argparse.ArgumentParser) -> None:
    """The flag that names the home that a command works in."""
    parser.add_argument(
        "--home",
        type=Path,
        metavar="DIR",
        help="home to work in, or the folder of a demo; default: what CM_REPOS names, or ~/CM",
    )


def add_store_flags(parser: argparse.ArgumentParser) -> None:
    """The flags that name the home, and the repository in it that has the experiments."""
    add_home_flag(parser)
    parser.add_argument("--target_repo", metavar="NAME", help="repository with the experiments; default: local")


def above_0(text: str) -> int:
    """The value of a flag that counts something.

    Raises:
        ArgumentTypeError: it is not a whole number above zero.
    """
    if not re.fullmatch(r"0*[1-9]\d{0,8}", text, re.ASCII):
        raise argparse.ArgumentTypeError(f"expected a whole number above zero, not {text!r}")
    return int(text)


def add_size_flag(
    parser: argparse.ArgumentParser, kind: Callable[[str], int] = int, text: str = "do not read larger logs"
) -> None:
    """The flag that names the size of the largest logs that are read, in megabytes."""
    parser.add_argument("--max_log_mb", type=kind, default=LARGEST_LOG_MB, metavar="N", help=text)


def add_private_flag(parser: argparse.ArgumentParser) -> None:
    """The flag that shows private results among the others."""
    parser.add_argument(
        "--private",
        action="store_true",
        help="also show private results: previews (5.1-local) and rounds that are not published yet (6.1-private)",
    )


def add_round_flag(parser: argparse.ArgumentParser, text: str) -> None:
    """The flag that names rounds, whose labels are in ``options.round``."""
    parser.add_argument("--round", action="extend", type=_labels, default=[], metavar="X.Y", help=text)


def open_cm_home(folder: Path | None, *, may_be_new: bool = False) -> CmHome:
    """The home of Collective Mind that a command works in.

    Args:
        folder: a CM home, or the folder of a demo, which contains one; None is the home that Collective Mind would use.
        may_be_new: a folder that does not exist yet, or is empty, becomes a CM home.

    Raises:
        BadInput: the folder is no CM home, or CM cannot work there.
    """
    place = Path(os.environ.get("CM_REPOS", "").strip() or Path.home() / "CM") if folder is None else folder
    if folder is not None:
        if _mlc_home_in(folder) is not None:
            raise BadInput(f"--home={folder}: this is a home of MLCFlow; use: {_MLC_IMPORT}")
        place = next((home for home in (folder / "CM", folder) if (home / "repos").is_dir()), folder)
        if not (place / "repos").is_dir() and not (may_be_new and _may_become_home(folder)):
            raise BadInput(f"--home={folder}: neither a CM home nor the folder of a demo")
    place = check_place(place)
    os.environ["CM_REPOS"] = str(place)  # for the scripts that Collective Mind runs, each in a folder of its own
    from ..homes.cm import CmHome

    home = CmHome(place)
    home.name_as(str(folder or ""), own_command())
    return home


def open_home(folder: Path | None, *, may_be_new: bool = False) -> Home:
    """The home for a command that only looks into it, or fetches; also one of MLCFlow. As :func:`open_cm_home`."""
    if folder is not None and (mlc := _mlc_home_in(folder)) is not None:
        from ..homes.mlc import MlcHome

        home = MlcHome(mlc.resolve())
        home.name_as("", own_command())
        return home
    return open_cm_home(folder, may_be_new=may_be_new)


def _labels(text: str) -> list[str]:
    """The labels in the value of a flag.

    Raises:
        BadInput: one is no label of a round.
    """
    from ..options import check_label

    labels = [label.strip() for label in text.split(",")]
    for label in labels:
        check_label("--round", label)
    return labels


def _may_become_home(folder: Path) -> bool:
    return not folder.exists() or (folder.is_dir() and not any(folder.iterdir()))


def _mlc_home_in(folder: Path) -> Path | None:
    """The home of MLCFlow that a folder is or contains; None if there is none."""
    return next((home for home in (folder, folder / "repos") if (home / "local" / "meta.yaml").is_file()), None)
