"""Makes Collective Mind use our scripts: a CM home in, links in it and an index that leads to them out."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import BadInput
from ..place import GUI_SCRIPT, IMPORT_SCRIPT, IS_CHECKOUT


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
    Script("gui", "605cac42514a4c69", GUI_SCRIPT, 'cmr "gui _playground"'),
)


def register(cm: Any) -> list[Path]:
    """Makes sure that CM runs our scripts and not the older ones.

    A checkout is linked into the ``local`` repository of the CM home, into which CM looks first. What is installed as a
    package is found without a link. But an index that was built earlier still leads to the older scripts; only then all
    repositories are indexed again, once, which takes seconds.

    Args:
        cm: the running Collective Mind (``cmind.core.CM``).

    Returns:
        Where CM finds the scripts: links, or the folders of an installed package.

    Raises:
        BadInput: something else stands where a link belongs, or CM still finds another script.
    """
    places = [_link(cm, script) if IS_CHECKOUT else _unlink(cm, script) for script in SCRIPTS]
    if replaced_scripts(cm):
        cm.access({"action": "reindex", "automation": "repo"})
    for script, found in replaced_scripts(cm):
        raise BadInput(f"CM finds the script {script.alias} in {found}, not in {script.folder}; remove the other one")
    return places


def replaced_scripts(cm: Any) -> list[tuple[Script, Path | None]]:
    """Scripts of ours for which CM finds another one, or none, and where that is."""
    found = [(script, _found(cm, script)) for script in SCRIPTS]
    return [(script, folder) for script, folder in found if folder != script.folder]


def _link(cm: Any, script: Script) -> Path:
    place = _place(cm, script)
    if place.is_symlink() and place.resolve() != script.folder:
        place.unlink()
    if place.exists() and not place.is_symlink():
        raise BadInput(f"{place}: a folder stands where the link to this script belongs; move it away and try again")
    if not place.is_symlink():
        place.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(FileExistsError):  # another process was faster
            place.symlink_to(script.folder, target_is_directory=True)
    return place


def _unlink(cm: Any, script: Script) -> Path:
    """Removes the link that a checkout made before, which would be found first."""
    place = _place(cm, script)
    if place.is_symlink():
        place.unlink()
    return script.folder


def _place(cm: Any, script: Script) -> Path:
    return Path(cm.repos_path) / "repos" / "local" / "script" / script.alias


def _found(cm: Any, script: Script) -> Path | None:
    result = cm.access({"action": "find", "automation": "script", "artifact": f"{script.alias},{script.uid}"})
    if result["return"] > 0 or not result["list"]:
        return None
    return Path(result["list"][0].path).resolve()
