"""The requirements of the wheel: the versions in the requirements files, or later ones."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface


class LeastVersions(MetadataHookInterface):
    """Reads the dependencies from the requirements files, which pin the versions that the tests used."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Adds ``dependencies`` and ``optional-dependencies``."""
        root = Path(self.root)
        metadata["dependencies"] = _least(root / "requirements.txt")
        files = sorted(root.glob("requirements-*.txt"))
        metadata["optional-dependencies"] = {file.stem.partition("-")[2]: _least(file) for file in files}


def _least(file: Path) -> list[str]:
    lines = (line.partition("#")[0].strip() for line in file.read_text(encoding="utf-8").splitlines())
    return [line.replace("==", ">=", 1) for line in lines if line]
