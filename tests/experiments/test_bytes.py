"""Result files have the bytes that ``json.dumps`` gives them."""

import json
import math

import pytest

from mlperf_training_import.experiments.files import to_bytes

FLAT = {"b": 1.5, "a": None, "c": True, "d": 10**20, "e": 1e-07, "B": -0.0, "_": "", "f": '\u00e9\n"\\ \U0001f600},\n    {'}


@pytest.mark.parametrize(
    "objects",
    [
        [],
        [{}],
        [FLAT],
        [FLAT, {}, FLAT],
        [{"a": {}, "b": [], "c": ()}],
        [{"a": {"z": [1, {"y": "1\n2"}], "b": {}}, "c": [[], [1]]}, FLAT, {"t": (1, "x")}],
        [{"a": math.nan, "b": math.inf, "c": -math.inf}],
        [1, "text", None, [], [1, [2]], FLAT, "\ud800"],
        [{1: "a", 2: "b"}, {"": 0}, {1: [2]}],
        [
            FLAT | {"b": [1.5, 1e400, "\u00e9", None, True], "a": ["},\n    {"], '"': [0]},
            {"a": [1]},
            {"a": [1, [2]]},
            {"a": [{}]},
        ],
        [{key: value for key in 'ba\u00e9"_\\B' for value in ([1, 2], 3)}],
    ],
)
def test_bytes_are_those_of_json(objects):
    assert to_bytes(objects) == (json.dumps(objects, indent=2, sort_keys=True) + "\n").encode("ascii")


def test_what_json_refuses_is_refused():
    with pytest.raises(TypeError):
        to_bytes([{"a": {1, 2}}])
