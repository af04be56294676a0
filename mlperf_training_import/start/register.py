"""Makes Collective Mind use our scripts: a CM home in, links in it and an index that leads to them out."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..errors import BadInput
from ..experiments.locks import preparing
from ..place import GUI_SCRIPT, GUI_UID, IMPORT_SCRIPT, IS_CHECKOUT

if TYPE_CHECKING:
    from pathlib import Path

    from ..homes.cm import CmHome
    from ..homes.home import Home


@dataclass(frozen=True, slots=True)
class Script:
    """A script of ours, and what people type. The package cmx4mlops has an older one with the same alias and uid."""

    alias: str
    uid: str
    folder: Path
    command: str


#: The import first, then the playground.
SCRIPTS = (
    Script(
        "import-mlperf-training-to-experiment",
        "b13d9b7337414f17",
        IMPORT_SCRIPT,
        'cmr "import mlperf training to-experiment"',
    ),
    Script("gui", GUI_UID, GUI_SCRIPT, 'cmr "gui _playground"'),
)


def register(home: CmHome) -> list[Path]:
    """Makes sure that CM runs our scripts and not the older ones.

    A checkout is linked into the ``local`` repository of the CM home, into which CM looks first. What is installed as a
    package is found without a link. But an index that was built earlier still leads to the older scripts; only then all
    repositories are indexed again, once, which takes seconds.

    Returns:
        Where CM finds the scripts: links, or the folders of an installed package.

    Raises:
        BadInput: something else is in the place of a link, or CM still finds another script.
        OSError: the home cannot be made.
        PublishFailure: there is no permission to write in it.
    """
    with preparing(home):
        links = [_link(home, script) for script in SCRIPTS]
        if replaced_scripts(home):
            home.access("reindex", "repo")
        replaced = replaced_scripts(home)
    for script, found in replaced:
        raise BadInput(f"CM finds the script {script.alias} in {found}, not in {script.folder}; remove the other one")
    return links if IS_CHECKOUT else [script.folder for script in SCRIPTS]


def replaced_scripts(home: Home) -> list[tuple[Script, Path | None]]:
    """Scripts of ours for which the automation finds another one, or none, and where that is."""
    found = [(script, home.find_script(f"{script.alias},{script.uid}", script.folder)) for script in SCRIPTS]
    return [(script, folder) for script, folder in found if folder != script.folder]


def _link(home: Home, script: Script) -> Path:
    """Links a script of a checkout into a CM home, or removes the link that a checkout made before an installation."""
    place = home.repos_path / "repos" / "local" / "script" / script.alias
    if place.is_symlink() and not (IS_CHECKOUT and place.resolve() == script.folder):
        place.unlink()
    if not IS_CHECKOUT or place.is_symlink():
        return place
    if place.exists():
        raise BadInput(f"{place}: a folder is in the place of the link to this script; move it away and try again")
    place.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.suppress(FileExistsError):  # another process was faster
        place.symlink_to(script.folder, target_is_directory=True)
    return place
