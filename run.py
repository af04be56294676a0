#!/usr/bin/env python3
"""The entry point for people who do not know Collective Mind yet; see `python run.py --help`."""

import sys
from pathlib import Path

if sys.version_info < (3, 10):  # noqa: UP036 - the message is for those who have an older one
    sys.exit("error: Python 3.10 or later is needed, this is {}.{}".format(*sys.version_info[:2]))

ROOT = str(Path(__file__).resolve().parent)
if ROOT not in sys.path:  # under python -I or -P
    sys.path.insert(0, ROOT)

from mlperf_training_import.commands.line import program  # noqa: E402 - it lies there

if __name__ == "__main__":
    program()
