"""Where there is room in memory for what tests write. Needs Python alone: the gate asks it before anything is installed.

python tests/scratch.py GIGABYTES    prints that folder, or nothing where there is less room
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

_MEMORY = Path("/dev/shm")


def in_memory(gigabytes: int) -> Path | None:
    """The folder that lies in memory; none where the system has no such, or less room in it or in memory."""
    if not _MEMORY.is_dir():
        return None
    lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    available = next((int(line.split()[1]) << 10 for line in lines if line.startswith("MemAvailable:")), 0)
    return _MEMORY if min(shutil.disk_usage(_MEMORY).free, available) > gigabytes << 30 else None


if __name__ == "__main__":
    print(in_memory(int(sys.argv[1])) or "")
