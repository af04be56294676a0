"""What must be known about a result is said by everything that shows it."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING, NamedTuple

import pytest
from trees import Imported, import_tree, write_files, write_result

from mlperf_training_import.dataset.rows import rows_of_round
from mlperf_training_import.experiments.collect import Results
from mlperf_training_import.outcome import Outcome
from mlperf_training_import.results.remarks import NEVER_SILENT, remarks_of
from mlperf_training_import.runs.score import Scored, score_logs
from mlperf_training_import.show.page.payload import make_payload
from mlperf_training_import.show.scored import show_scored, to_csv, to_json
from mlperf_training_import.show.screen import Screen
from mlperf_training_import.show.summaries import write_summaries
from mlperf_training_import.start.sample import run_log

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from mlperf_training_import.runs.score import ScoredGroup


def with_factor(root: Path) -> None:
    write_files(write_result(root), {"scaling.json": {"scaling_factor": 1.25}})


def too_fast(root: Path) -> None:
    write_result(root, benchmark="retinanet", evaluations=[(1.5, 0.1), (3.2, 0.35)])


def with_a_failed_run(root: Path) -> None:
    write_files(write_result(root), {"result_4.txt": run_log("resnet", 5, status="aborted")})


def one_run_twice(root: Path) -> None:
    write_files(write_result(root), {"result_4.txt": run_log("resnet", 4)})


def off_target(root: Path) -> None:
    write_result(root, evaluations=[(30, 0.3)])


def in_another_unit(root: Path) -> None:
    """Ten runs of bert that count their samples in batches, so that there is no figure of what they were trained on."""
    write_result(root, range(1, 11), benchmark="bert", evaluations=[(9, 0.72)], global_batch_size=448)


def too_few(root: Path) -> None:
    write_result(root, (1, 2, 3, 4))


def not_closed(root: Path) -> None:
    write_result(root, description={"division": "open"}, division="open")


class Case(NamedTuple):
    """A result, the key of its entry that says what must be known, and words of it for people."""

    write: Callable[[Path], None]
    key: str
    says: str
    version: str = "3.0"


CASES = {
    "factor": Case(with_factor, "scaling_factor", "1.25"),
    "verdict": Case(too_fast, "rcp_verdict", "fail", "5.0"),
    "runs that do not count": Case(with_a_failed_run, "runs_counted", "1 of 5 runs"),
    "repeated runs": Case(one_run_twice, "doubts", "repeated-runs"),
    "doubt": Case(off_target, "doubts", "target-missed"),
    "absent figure": Case(in_another_unit, "doubts", "progress-unit"),
    "runs that are missing": Case(too_few, "doubts", "run-count"),
    "open": Case(not_closed, "division", "open"),
    "preview": Case(write_result, "version", "3.0-mine", "3.0-mine"),
}


class Shown(NamedTuple):
    """An import of a result, and its logs scored by themselves."""

    imported: Imported
    groups: list[ScoredGroup]
    folder: Path

    def outcome(self) -> Outcome:
        return Outcome([self.imported.outcome], findings=self.imported.findings, preview=True)


def entry_of(shown: Shown) -> str:
    return json.dumps(shown.imported.only.entry) + str(remarks_of(shown.imported.only.entry))


def summary_json(shown: Shown) -> str:
    files = write_summaries(shown.outcome(), shown.folder)
    (row,) = json.loads(next(file for file in files if "-summary-" in file.name and file.suffix == ".json").read_text())
    return say_all(row)


def summary_csv(shown: Shown) -> str:
    files = write_summaries(shown.outcome(), shown.folder)
    (file,) = (file for file in files if file.suffix == ".csv")
    (row,) = csv.DictReader(file.read_text().splitlines())
    return file.name + say_all(row)


def say_all(row: dict) -> str:
    """The columns of a row with what they hold; two numbers of runs as people say them."""
    counted = [value for key, value in row.items() if key.endswith(":runs_counted")]
    return json.dumps(row) + ("1 of 5 runs" if list(map(str, counted)) == ["4"] else "")


def screen(shown: Shown) -> None:
    Screen().show(shown.outcome())


def page(shown: Shown) -> str:
    fields = make_payload([shown.imported.only.entry], {}, "1.0")["fields"]
    return str((fields["remarks"], fields["division"], fields["round"]))


def rows(shown: Shown) -> str:
    tables = rows_of_round(shown.imported.outcome, shown.imported.findings)
    (result,) = tables["results"]
    return str(result) + str(remarks_of(result)) + str(shown.imported.outcome.round.label)


def score_text(shown: Shown) -> None:
    show_scored(Scored(shown.groups, []), Results([], []))


def score_json(shown: Shown) -> str:
    (group,) = json.loads(to_json(Scored(shown.groups, [])))["groups"]
    return group["remarks"]


def score_csv(shown: Shown) -> str:
    return "".join({row["remarks"] for row in csv.DictReader(io.StringIO(to_csv(shown.groups)))})


OF_IMPORT = (entry_of, summary_json, summary_csv, screen, page, rows)
#: Loose logs are of no round that could be published or not.
OF_LOGS = (score_text, score_json, score_csv)


@pytest.mark.parametrize("face", [*OF_IMPORT, *OF_LOGS], ids=lambda face: face.__name__)
@pytest.mark.parametrize("name", CASES)
def test_everything_that_shows_a_result_says_it(tmp_path, capsys, name, face):
    case = CASES[name]
    if face in OF_LOGS and case.key == "version":
        pytest.skip("loose logs have no label")
    case.write(tmp_path)
    imported = import_tree(tmp_path, case.version)
    (folder,) = imported.results
    assert case.key in remarks_of(imported.only.entry)
    groups = score_logs([tmp_path / folder], None if case.key == "version" else case.version)[0]
    said = face(Shown(imported, groups, tmp_path))
    assert case.says in (capsys.readouterr().out if said is None else said)


def test_every_row_of_the_table_has_a_case():
    assert {case.key for case in CASES.values()} == set(NEVER_SILENT)


def test_a_plain_result_has_nothing_to_say(tmp_path):
    write_result(tmp_path)
    assert remarks_of(import_tree(tmp_path).only.entry) == {}


@pytest.mark.parametrize("odd", [None, "", 7, [], {}, "x", True])
def test_entries_of_other_people_may_hold_anything(odd):
    assert all(isinstance(text, str) for text in remarks_of(dict.fromkeys((*NEVER_SILENT, "runs_count"), odd)).values())
