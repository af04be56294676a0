"""What must be known about a result is said by everything that shows it."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING, NamedTuple

import pytest
from never_silent import CASES
from trees import Imported, import_tree, write_result

from mlperf_training_import.commands.line import main
from mlperf_training_import.dataset.rows import rows_of_round
from mlperf_training_import.experiments.collect import Results
from mlperf_training_import.outcome import Outcome
from mlperf_training_import.results.remarks import NEVER_SILENT, remarks_of
from mlperf_training_import.runs.score import Scored, score_logs
from mlperf_training_import.show.page.payload import make_payload
from mlperf_training_import.show.scored import show_scored, to_csv, to_json
from mlperf_training_import.show.screen import Screen
from mlperf_training_import.show.summaries import write_summaries

if TYPE_CHECKING:
    from pathlib import Path

    from mlperf_training_import.runs.score import ScoredGroup


class Shown(NamedTuple):
    """An import of a result, and its logs scored by themselves, by the rules of a round."""

    imported: Imported
    groups: list[ScoredGroup]
    folder: Path
    version: str

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


def arranged(shown: Shown) -> None:
    system = shown.folder / "box.json"
    system.write_text("{}")
    words = ["arrange", shown.groups[0].folder, "--submitter=Acme", f"--system={system}", f"--into={shown.folder / 'new'}"]
    assert main([*words, f"--round={shown.version}"]) == 0


OF_IMPORT = (entry_of, summary_json, summary_csv, screen, page, rows)
#: Loose logs are of no round that could be published or not.
OF_LOGS = (score_text, score_json, score_csv, arranged)


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
    said = face(Shown(imported, groups, tmp_path, case.version))
    assert case.says in (capsys.readouterr().out if said is None else said)


def test_every_row_of_the_table_has_a_case():
    assert {case.key for case in CASES.values()} == set(NEVER_SILENT)


def test_a_plain_result_has_nothing_to_say(tmp_path):
    write_result(tmp_path)
    assert remarks_of(import_tree(tmp_path).only.entry) == {}


@pytest.mark.parametrize("odd", [None, "", 7, [], {}, "x", True])
def test_entries_of_other_people_may_hold_anything(odd):
    assert all(isinstance(text, str) for text in remarks_of(dict.fromkeys((*NEVER_SILENT, "runs_count"), odd)).values())
