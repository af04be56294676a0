"""Times the data set against the import of the same rounds: ``python tests/perf/dataset.py HOME LABEL ...``.

The home has the clones, and gets the imported experiments: give a copy. Every command reads all logs anew. The last label is
the round that is added to a data set of the others, once that of all is written.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

RUN = Path(__file__).resolve().parents[2] / "run.py"


class Cost(NamedTuple):
    """Seconds of the clock and of all processors, and megabytes of the largest process."""

    seconds: float
    processor_s: float
    megabytes: float


def measure(home: Path, *arguments: str) -> Cost:
    """What a command costs, with all processes that it starts."""
    for file in home.glob("repos/local/cache/*/mlperf-training-logs.*"):
        file.unlink()
    begin = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, RUN, *arguments], env=os.environ | {"CM_REPOS": str(home)}, stdout=subprocess.DEVNULL
    )
    _, status, used = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{arguments}: ended with {os.waitstatus_to_exitcode(status)}")
    return Cost(time.monotonic() - begin, used.ru_utime + used.ru_stime, used.ru_maxrss / 1000 * 1.024)


def main(home: Path, labels: list[str]) -> None:
    """Prints a line for each command: what it costs, and how many times the processor time of the import that is."""
    scratch = Path(tempfile.mkdtemp())
    try:
        for what, rounds in (("all", labels), (f"{labels[-1]} added", labels[-1:])):
            versions = ("--version", ",".join(rounds), "--output_dir", str(scratch))
            imported = measure(home, "import", *versions, "--no_cache")
            print(f"{what}: import", *(f"{number:.1f}" for number in imported), flush=True)
            for flags in (["--no_measurements"], []):
                folder = scratch / f"data{len(flags)}"
                for file in folder.glob(f"*/{labels[-1]}.parquet"):
                    file.unlink()
                cost = measure(home, "dataset", "--round", ",".join(rounds), "--output", str(folder), *flags)
                times = cost.processor_s / imported.processor_s
                print(f"{what}: dataset", *flags, *(f"{number:.1f}" for number in cost), f"{times:.2f} times", flush=True)
    finally:
        shutil.rmtree(scratch)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
