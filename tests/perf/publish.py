"""Times publishing: made-up results into an empty Collective Mind, and the same ones again, when there is nothing to do.

    python tests/perf/publish.py [NUMBER ...]

Prints one line per number of results (1,000, 10,000 and 100,000). Each stands in two experiments, as in a real import: that
of its round and that over all rounds. Peak memory is that of this process up to then. Never fails on a time.
"""

from __future__ import annotations

import contextlib
import os
import resource
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

ROUNDS = ("3.0", "3.1", "4.0", "4.1")
BENCHMARKS = {"bert": "language-processing", "unet3d": "image-segmentation", "resnet": "image-classification"}


def main(arguments: Sequence[str] | None = None) -> int:
    """Measures, and prints the table."""
    numbers = [int(text) for text in (sys.argv[1:] if arguments is None else arguments)] or [1_000, 10_000, 100_000]
    print("results  stored MB  new s  unchanged s  us per result  peak MB")
    for number in numbers:
        entries = entries_of(number)
        with scratch_cm() as (cm, target):
            first = publish_once(cm, target, entries)
            stored = sum(file.stat().st_size for file in target.experiments.rglob("cm-result.json")) / 1e6
            again = publish_once(cm, target, entries)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1e3 if sys.platform == "linux" else 1e6)
        print(f"{number:7}  {stored:9.1f}  {first:5.2f}  {again:11.2f}  {again / number * 1e6:13.0f}  {peak:7.0f}")
    return 0


def entries_of(number: int) -> dict[str, dict[tuple, dict]]:
    """Made-up entries by experiment and identity, with about as many keys as real ones."""
    from mlperf_training_import.results.entry import uid_of

    groups: dict[str, dict[tuple, dict]] = {}
    for index in range(number):
        round_, (benchmark, task) = ROUNDS[index % 4], list(BENCHMARKS.items())[index // 4 % 3]
        identity = (round_, f"submitter{index % 97}", f"system{index}", benchmark)
        minutes = 1 + index / 7
        entry = dict(zip(("version", "submitter_folder", "system_file", "Model_ID"), identity, strict=True))
        entry |= {"submitter": identity[1], "uid": uid_of(identity), "division": "closed", benchmark: minutes}
        entry |= {"Result": minutes, "runs_minutes": [minutes + run / 3 for run in range(8)]}
        entry |= {f"_figure_{place}": minutes * place for place in range(20)}
        entry |= {f"_text_{place}": f"what a description says in its line {place}" for place in range(20)}
        for scope in (round_, "all"):
            groups.setdefault(f"mlperf-training--{scope}--closed--{task}", {})[identity] = entry
    return groups


@contextlib.contextmanager
def scratch_cm() -> Iterator[tuple]:
    """A Collective Mind over an empty home, and its target to publish into."""
    with tempfile.TemporaryDirectory() as home:
        os.environ |= {"CM_REPOS": home, "CM_CORE_SKIP_INTERNAL_REPOS": "yes"}
        from cmind.core import CM

        from mlperf_training_import.experiments.publish import find_target
        from mlperf_training_import.homes import home_of

        cm = CM()
        yield cm, find_target(home_of(cm), "")


def publish_once(cm, target, entries: dict[str, dict[tuple, dict]]) -> float:
    """Publishes, and returns the seconds that it took."""
    from mlperf_training_import.experiments.publish import publish
    from mlperf_training_import.homes import home_of
    from mlperf_training_import.rounds.presence import Presence

    findings = []
    with home_of(cm).index_left_alone():
        start = time.perf_counter()
        publish(target, entries, ROUNDS, findings, presence=lambda *_: Presence.OUT_OF_SCOPE)
        seconds = time.perf_counter() - start
    if findings:
        raise SystemExit(f"{len(findings)} findings, the first: {findings[0]}")
    return seconds


if __name__ == "__main__":
    sys.exit(main())
