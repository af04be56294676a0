"""Times the import against the least that can be done with the logs, ``cat``, and against the peer, mlperf_logging.

    python tests/perf/compare.py 3.0=<clone> [4.1=<clone> ...] [--cm-repos DIR] [--peer PYTHON] [--repeat 5] [--json FILE]

All that takes part is run in turn, several times, so that whatever else the machine does hits all of them alike:

- ``cat``: all logs of the rounds, power logs too, to /dev/null;
- ``pipeline``: the rounds read and scored in a fresh process, from its start to its end;
- ``pipeline, inside``: the same, timed within that process, without its start and imports;
- ``cmr --no_cache`` and ``cmr``: the whole command over a store in which all is there already; it reads every log, and those
  that changed, which are none. For these ``--cm-repos`` names a prepared CM_REPOS in which exactly these rounds are cached
  and the script is registered;
- ``peer``: mlperf_logging in the Python that ``--peer`` names, on a copy of the trees, since it writes into them. It takes
  minutes, and so is run once.

Memory is measured in a run of its own (but for the peer), since to measure it takes time: the peak of the largest process,
and of all of them together with what they share counted once (on Linux). The tool never fails on a time.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT = Path(__file__).resolve().parents[2]
INSIDE = "pipeline, inside"


@dataclass
class Contender:
    """A command, and what was measured of it: seconds of each run, and its peak memory in MB."""

    name: str
    command: Sequence[str]
    stdin: bytes = b""
    environment: dict[str, str] = field(default_factory=dict)
    seconds: list[float] = field(default_factory=list)
    largest_mb: float | None = None
    together_mb: float | None = None


def main(arguments: Sequence[str] | None = None) -> int:
    """Compares, and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    what = "a round and its clone; the same one again counts as one more round"
    parser.add_argument("rounds", nargs="+", metavar="VERSION=CLONE", help=what)
    parser.add_argument("--cm-repos", type=Path, help="a prepared CM_REPOS, for the whole command")
    parser.add_argument("--peer", help="a Python that has mlperf_logging; it takes minutes")
    parser.add_argument("--repeat", type=int, default=5, help="runs of each (default: 5)")
    parser.add_argument("--json", type=Path, help="a file for the figures")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    rounds = [tuple(text.split("=", 1)) for text in options.rounds]
    if options.inside:
        print(json.dumps(read_rounds(rounds)))
        return 0
    logs = [log for _, clone in rounds for log in logs_of(Path(clone))]
    with tempfile.TemporaryDirectory() as scratch:
        contenders = contenders_of(rounds, logs, options, Path(scratch))
        results = compare(contenders, options.repeat, Path(scratch))
    figures = figures_of(contenders, sum(log.stat().st_size for log in logs) / 1e6, len(logs), results)
    print(table_of(figures))
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2) + "\n")
    return 0


def read_rounds(rounds: Sequence[tuple[str, str]]) -> dict[str, float]:
    """Reads and scores rounds in this process; seconds without imports, and the number of results."""
    sys.path.insert(0, str(ROOT))
    from mlperf_training_import.results.score_round import Reading, read_round
    from mlperf_training_import.rounds.clone import read_clone
    from mlperf_training_import.rounds.walk import walk
    from mlperf_training_import.tables.rules import rules_of

    start = time.perf_counter()
    outcomes = []
    for version, clone in rounds:
        round_ = read_clone(Path(clone), version, version)
        outcomes.append(read_round(round_, walk(round_, rules_of(version), []), Reading()))
    return {"seconds": time.perf_counter() - start, "results": sum(len(outcome.results) for outcome in outcomes)}


def logs_of(clone: Path) -> list[Path]:
    """The logs of a clone that the import reads."""
    names = ("result_*.txt", "power/*/node_*.txt", "power/*/sw_*.txt")
    return sorted(log for name in names for log in clone.glob(f"*/results/*/*/{name}"))


def contenders_of(rounds: Sequence[tuple[str, str]], logs: list[Path], options, scratch: Path) -> list[Contender]:
    """Who takes part; the peer gets its copy of the trees here."""
    names = "\0".join(map(str, logs)).encode()
    pipeline = [sys.executable, __file__, "--inside", *(f"{version}={clone}" for version, clone in rounds)]
    contenders = [Contender("cat", ["xargs", "-0", "cat"], names), Contender("pipeline", pipeline), Contender(INSIDE, ())]
    if options.cm_repos:
        cmr = shutil.which("cmr", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
        home = {"CM_REPOS": str(options.cm_repos.resolve())}
        for flags in (["--no_cache"], []):
            command = [cmr, "import mlperf training to-experiment", *flags]
            contenders.append(Contender(" ".join(["cmr", *flags]), command, environment=home))
    if options.peer:
        script = []
        for number, (version, clone) in enumerate(rounds):
            copy = scratch / "peer" / str(number)
            shutil.copytree(clone, copy, ignore=shutil.ignore_patterns(".git"))
            call = f"'{options.peer}' -m mlperf_logging.result_summarizer '{copy}/{{*}}' training {version}.0"
            script.append(f"{call} --csv '{copy}.csv'")
        contenders.append(Contender("peer", ["sh", "-c", " && ".join(script)]))
    return contenders


def compare(contenders: list[Contender], repeat: int, scratch: Path) -> int:
    """Runs all in turn, ``repeat`` times, after a run of each for its memory. Returns the number of results."""
    runs = [contender for contender in contenders if contender.command]
    inside = next(contender for contender in contenders if contender.name == INSIDE)
    for contender in runs:
        start = time.perf_counter()
        contender.largest_mb, contender.together_mb = measure_memory(contender, scratch)
        if contender.name == "peer":
            contender.seconds.append(time.perf_counter() - start)
    runs = [contender for contender in runs if contender.name != "peer"]
    found = 0
    for _ in range(repeat):
        for contender in runs:
            start = time.perf_counter()
            output = run(contender, scratch)
            contender.seconds.append(time.perf_counter() - start)
            if contender.name == "pipeline":
                said = json.loads(output)
                inside.seconds.append(said["seconds"])
                found = said["results"]
    return found


def run(contender: Contender, scratch: Path) -> bytes:
    """Runs a command to its end and returns what it prints; that of ``cat`` goes to /dev/null."""
    with start(contender, scratch) as process:
        output, _ = process.communicate(contender.stdin)
    check(contender, process)
    return output or b""


def environment_of(contender: Contender) -> dict[str, str]:
    """Ours, but that Python keeps compiled modules, as it does for users."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"} | contender.environment


def check(contender: Contender, process: subprocess.Popen) -> None:
    """Ends the comparison where a command failed: its time would mean nothing."""
    if process.returncode:
        raise SystemExit(f"{contender.name} failed with code {process.returncode}: {' '.join(contender.command)}")


def start(contender: Contender, scratch: Path) -> subprocess.Popen:
    """Starts a command; the files that it writes go to ``scratch``."""
    return subprocess.Popen(
        contender.command,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL if contender.name == "cat" else subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd=scratch,
        env=environment_of(contender),
    )


def measure_memory(contender: Contender, scratch: Path) -> tuple[float | None, float | None]:
    """Peak memory in MB of the largest process of a command, and of all together; None where there is no /proc."""
    if not Path("/proc/self/smaps_rollup").exists():
        run(contender, scratch)
        return None, None
    largest = together = 0
    with tempfile.TemporaryFile() as names:
        names.write(contender.stdin)
        names.seek(0)
        sink = subprocess.DEVNULL
        process = subprocess.Popen(
            contender.command, stdin=names, stdout=sink, stderr=sink, cwd=scratch, env=environment_of(contender)
        )
        while process.poll() is None:
            memory = [memory_of(pid) for pid in family_of(process.pid)]
            largest = max([largest, *(rss for rss, _ in memory)])
            together = max(together, sum(pss for _, pss in memory))
            time.sleep(0.005)
    check(contender, process)
    return largest / 1000, together / 1000


def family_of(pid: int) -> list[int]:
    """A process and all below it."""
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return []
    return [pid, *(member for child in children for member in family_of(int(child)))]


def memory_of(pid: int) -> tuple[int, int]:
    """What a process has in memory, in kB: all of it, and with each shared page divided by those who share it."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]
    except OSError:
        return 0, 0
    values = {name: int(value.split()[0]) for name, _, value in (line.partition(":") for line in lines)}
    return values.get("Rss", 0), values.get("Pss", 0)


def figures_of(contenders: list[Contender], megabytes: float, logs: int, results: int) -> dict[str, object]:
    """What was measured, as an object for JSON."""
    cat = statistics.median(contenders[0].seconds)
    rows = []
    for contender in contenders:
        median = statistics.median(contender.seconds)
        row = {"what": contender.name, "median_s": median, "min_s": min(contender.seconds), "max_s": max(contender.seconds)}
        row |= {"times_cat": median / cat, "mb_per_s": megabytes / median}
        row["results_per_s"] = None if contender.name == "cat" else results / median
        row |= {"peak_mb_largest": contender.largest_mb, "peak_mb_together": contender.together_mb}
        rows.append(row | {"seconds": contender.seconds})
    return {"logs": logs, "megabytes": megabytes, "results": results, "cores": os.cpu_count(), "measured": rows}


def table_of(figures: dict) -> str:
    """The figures for people."""
    head = ("", "median s", "min", "max", "x cat", "MB/s", "results/s", "largest MB", "together MB")
    lines = [head]
    for row in figures["measured"]:
        values = [row["what"], *(f"{row[key]:.3f}" for key in ("median_s", "min_s", "max_s")), f"{row['times_cat']:.2f}"]
        rest = (row[key] for key in ("mb_per_s", "results_per_s", "peak_mb_largest", "peak_mb_together"))
        lines.append((*values, *("-" if value is None else f"{value:.0f}" for value in rest)))
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    text = [f"{figures['logs']} logs, {figures['megabytes']:.1f} MB, {figures['results']} results, {figures['cores']} cores"]
    for name, *values in lines:
        text.append("  ".join([name.ljust(widths[0]), *(v.rjust(w) for v, w in zip(values, widths[1:], strict=True))]))
    return "\n".join(text)


if __name__ == "__main__":
    sys.exit(main())
