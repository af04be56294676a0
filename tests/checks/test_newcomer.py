"""A new submitter mends one mistake after the other, with nothing but what the screen says."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from checks.made_submissions import FOLDER, SYSTEM, VERSION, changed, write_submission

from mlperf_training_import.commands.line import main

if TYPE_CHECKING:
    from pathlib import Path

    import pytest
    from checks.made_logs import Record


class _Submitter:
    """Somebody who reads the screen, and changes what it says."""

    def __init__(self, root: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self._root = root
        self._capsys = capsys
        self.screen = ""
        self.code = 0

    def look(self) -> None:
        """Runs the check."""
        self.code = main(["check", str(self._root), "--round", VERSION])
        self.screen, error = self._capsys.readouterr()
        assert error == ""

    def file_of(self, *words: str) -> tuple[Path, int | None]:
        """The file and line of the first remark with these words; the heading above it is the folder."""
        heading = ""
        for line in self.screen.splitlines()[1:]:
            if line and not line.startswith(" "):
                heading = line
            elif all(word in line for word in words):
                match = re.match(r"  \w+: (?:([^ :]+\.txt)(?::(\d+))?: )?", line)
                assert match is not None
                path = self._root / heading / match[1] if match[1] else self._root / heading
                return path, int(match[2]) if match[2] else None
        raise AssertionError(f"nothing about {words} in\n{self.screen}")


def _broken(number: int, made: list[Record]) -> list[Record]:
    """The lora rank is another in all logs, and all have one seed."""
    return changed(changed(made, "lora_rank", value=8), "seed", value=7)


def _replace_in_line(file: Path, number: int, old: str, new: str) -> None:
    lines = file.read_text().splitlines(keepends=True)
    assert old in lines[number - 1], "the screen named another line"
    lines[number - 1] = lines[number - 1].replace(old, new)
    file.write_text("".join(lines))


def test_five_mistakes_are_mended_by_what_the_screen_says(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_submission(tmp_path, _broken, status="on-premise", cooling=None)
    description = tmp_path / SYSTEM
    description.write_text(description.read_text().replace('"cooling": null', '"coolant": "water"'))
    last = tmp_path / FOLDER / "result_9.txt"
    kept = last.read_text()
    last.unlink()
    submitter = _Submitter(tmp_path, capsys)

    submitter.look()
    assert submitter.code == 1
    folder, _ = submitter.file_of("rejects", "9 logs", "asked for: 10 logs")
    (folder / "result_9.txt").write_text(kept)

    submitter.look()
    assert "asked for: 10 logs" not in submitter.screen
    file, _ = submitter.file_of("rejects", "without cooling")
    file.write_text(file.read_text().replace('"coolant"', '"cooling"'))

    submitter.look()
    assert "without cooling" not in submitter.screen
    file, _ = submitter.file_of("rejects", 'status is "on-premise"', "Available on-premise; Available cloud")
    file.write_text(file.read_text().replace('"on-premise"', '"Available on-premise"'))

    submitter.look()
    assert "[system." not in submitter.screen
    mended = 0
    while "lora_rank is 8; asked for: 16" in submitter.screen:
        file, number = submitter.file_of("lora_rank is 8; asked for: 16")
        assert number is not None
        _replace_in_line(file, number, '"value": 8', '"value": 16')
        mended += 1
        submitter.look()
    assert mended == 10

    assert "choose the seed of each run at random" in submitter.screen
    while "[package.seed-twice]" in submitter.screen:
        file, number = submitter.file_of("seed 7 of", "is that of")
        text = file.read_text()
        file.write_text(text.replace('"key": "seed", "value": 7', f'"key": "seed", "value": {mended}'))
        mended += 1
        submitter.look()

    assert submitter.code == 0
    assert "rejects" not in submitter.screen
    assert submitter.screen.splitlines()[-1] == "would pass: 1 of 1 results, by the rules of mlperf_logging 4.1.68"
