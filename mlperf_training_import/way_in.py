"""What this process was called as, for its help and its advice."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path


def program_name() -> str:
    """What this process was called as, for its help: ``python run.py``, ``mlperf-training``."""
    name = Path(sys.argv[0]).name
    return f"python {name}" if name.endswith(".py") else name


def own_command() -> str:
    """What starts this process again (``python ../run.py``)."""
    program = sys.argv[0]
    return shlex.join([sys.orig_argv[0], program]) if program.endswith(".py") else Path(program).name
