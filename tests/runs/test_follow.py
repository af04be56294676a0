"""A log that is followed: what is said of it as it grows, and when that ends."""

from __future__ import annotations

import gzip
import json

import pytest

from mlperf_training_import.errors import BadInput
from mlperf_training_import.runs.follow import follow
from mlperf_training_import.start.sample import START_MS, run_log

TARGET = "bert by the rules of 5.0: the target is Mask-LM accuracy of at least 0.72"


@pytest.fixture
def followed(tmp_path):
    """Follows a file to which parts are added whenever nothing is left to read."""

    def run(*parts: str, **more) -> list[str]:
        file, left, said = tmp_path / "run.log", list(parts), []

        def write_more():
            with file.open("a") as stream:
                stream.write(left.pop(0))

        follow(str(file), None, said.append, write_more, **more)
        assert left == []
        return [line.strip() for line in said]

    return run


def bert() -> str:
    return run_log("bert", 10.0, evaluations=[(100, 0.5), (200, 0.72)])


def test_it_waits_for_the_file_and_says_what_is_added_until_the_run_stops(followed, tmp_path):
    text = bert()
    half = text.index("run_start") + 20
    assert followed("", text[:half], text[half : half + 1], text[half + 1 :]) == [
        f"waiting for {tmp_path / 'run.log'}",
        TARGET,
        "the run has started",
        "3.33 min: eval_accuracy 0.5 after 100 epoch_num",
        "6.67 min: eval_accuracy 0.72 after 200 epoch_num",
        "10.00 min: the run has stopped",
    ]


def test_a_last_line_without_an_end_ends_it(followed):
    assert followed(bert().rstrip("\n"))[-1] == "10.00 min: the run has stopped"


def test_a_file_that_runs_are_appended_to_is_followed_to_the_end_of_the_last_one(followed):
    said = followed(bert() + run_log("bert", 12.0, start_ms=START_MS + 86_400_000))
    assert [line for line in said if "stopped" in line] == [
        "10.00 min: the run has stopped",
        "12.00 min: the run has stopped",
    ]


def test_what_every_rank_writes_is_said_once(followed):
    lines = bert().splitlines(keepends=True)
    said = followed("".join(f"{rank}: {line}" for line in lines for rank in range(4)))
    assert said[1:] == list(dict.fromkeys(said[1:]))
    assert len(said) == 6


def test_a_log_without_a_start_ends_too(followed):
    stop = bert().splitlines(keepends=True)[-1]
    assert followed(stop)[1:] == ["the run has stopped"]


def test_programs_get_an_object_for_each_line(followed):
    waiting, target, start, first, *_, stop = map(json.loads, followed(bert(), as_json=True))
    assert waiting["event"] == "waiting"
    assert {name: target[name] for name in ("event", "benchmark", "round", "target", "lower_is_better")} == {
        "event": "target",
        "benchmark": "bert",
        "round": "5.0",
        "target": 0.72,
        "lower_is_better": False,
    }
    assert (start["event"], start["time_ms"]) == ("run_start", START_MS)
    assert (first["event"], first["value"], first["epoch_num"]) == ("evaluation", 0.5, 100)
    assert (stop["event"], stop["minutes"], stop["status"]) == ("run_stop", 10.0, "success")


def test_it_does_not_guess_where_the_file_was_cut(tmp_path):
    file = tmp_path / "run.log"
    file.write_text(bert()[:300])
    with pytest.raises(BadInput, match="got shorter while it was followed"):
        follow(str(file), None, lambda _: None, lambda: file.write_text(""))


@pytest.mark.parametrize(
    ("packed", "what"),
    [
        (lambda text: gzip.compress(text.encode(), mtime=0), "packed with gzip"),
        (lambda text: text.encode("utf-16"), "utf-16 text"),
        (lambda text: text.encode("utf-16-be"), "utf-16-be text"),
        (lambda text: text.encode("utf-32"), "utf-32 text"),
        (lambda _: bytes(range(256)), "not a text"),
    ],
    ids=["gzip", "UTF-16", "UTF-16 without a mark", "UTF-32", "binary"],
)
def test_what_cannot_be_followed_is_refused(tmp_path, packed, what):
    file = tmp_path / "run.log"
    file.write_bytes(packed(bert()))
    with pytest.raises(BadInput, match=f"{what}; it cannot be followed"):
        follow(str(file), None, lambda _: None, lambda: pytest.fail("waits for ever"))
