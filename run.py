#!/usr/bin/env python3
"""The entry point for people who do not know Collective Mind yet; see `python run.py --help`."""

import sys
from pathlib import Path

if sys.version_info < (3, 10):  # noqa: UP036 - the message is for those who have an older one
    sys.exit("error: Python 3.10 or later is needed, this is {}.{}".format(*sys.version_info[:2]))

sys.path.insert(0, str(Path(__file__).resolve().parent))  # not there under python -I or -P

from mlperf_training_import.commands.line import program

if __name__ == "__main__":
    program()
