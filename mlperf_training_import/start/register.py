"""Makes Collective Mind use this script: repository folder in, a link in the CM home out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..errors import BadInput

ALIAS = "import-mlperf-training-to-experiment"
UID = "b13d9b7337414f17"
#: The folder with ``_cm.yaml`` and ``customize.py``.
SCRIPT_FOLDER = Path(__file__).resolve().parents[2]


def register(cm: Any, script_folder: Path) -> Path:
    """Links the script into the ``local`` repository of a CM home, and makes sure that CM runs this one.

    The package cmx4mlops has an older script of the same name. CM looks into ``local`` first, but an index that was
    built earlier still leads to the older one; only then all repositories are indexed again, which takes seconds.

    Args:
        cm: the running Collective Mind (``cmind.core.CM``).
        script_folder: the folder with ``_cm.yaml`` and ``customize.py``.

    Returns:
        The link.

    Raises:
        BadInput: something else stands where the link belongs, or CM still finds another script.
    """
    script_folder = script_folder.resolve()
    link = Path(cm.repos_path) / "repos" / "local" / "script" / ALIAS
    if link.is_symlink():
        if link.resolve() != script_folder:
            link.unlink()
    elif link.exists():
        raise BadInput(f"{link}: a folder stands where the link to this script belongs; move it away and try again")
    if not link.is_symlink():
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(script_folder, target_is_directory=True)
    if _found(cm) != script_folder:
        cm.access({"action": "reindex", "automation": "repo"})
    if (found := _found(cm)) != script_folder:
        raise BadInput(f"CM finds the script in {found}, not in {script_folder}; remove the other one")
    return link


def _found(cm: Any) -> Path | None:
    result = cm.access({"action": "find", "automation": "script", "artifact": f"{ALIAS},{UID}"})
    if result["return"] > 0 or not result["list"]:
        return None
    return Path(result["list"][0].path).resolve()
