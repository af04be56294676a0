"""The handed cases of figures, verdicts and names: what each of them says, and what is said of it."""

from __future__ import annotations

import pytest
from trees import import_tree

#: Case -> its round, keys of its entry, and the findings with what their texts say; an entry of case f04 for each system.
CASES = {
    "f01-dlrm-epochs-count-from-1": (
        "2.0",
        {"samples_per_second": 37_016_450.22, "epochs_to_converge": 0.9, "rcp_judged_mean": 1.9},
        {"one-history": "all 5 runs"},
    ),
    "f02-run-resumed-from-checkpoint": (
        "1.1",
        {"samples_per_second": 236.763, "samples_to_converge": None, "samples_trained": None},
        {"resumed-run": "10 of 10 logs", "one-history": "all 10 runs"},
    ),
    "f03-nodes-list-hides-keys": ("5.1", {"host_processors_count": 64, "accelerators_count": 0}, {}),
    "f04-h100-hbm3": ("5.1", {"accelerator_variant": "H100 SXM 80 GB"}, {}),
    "p02-name-contradicts-log": (
        "5.1",
        {"accelerator": "H100", "doubts": ["description-conflict"]},
        {"description-conflict": "the accelerator (H100, B200); the processor (Xeon Platinum 8480C, Neoverse V2)"},
    ),
    "p05-one-history": (
        "5.1",
        {"doubts": ["one-history", "same-seed"]},
        {"one-history": "all 10 runs have the same 3 quality figures", "same-seed": "all 10 runs log the seed 42"},
    ),
    "p09-memory-contradicts-name": (
        "5.1",
        {"doubts": ["memory-conflict"]},
        {"memory-conflict": "has 80 GB by its name, and an accelerator_memory_capacity of 40 GB"},
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_a_case(more, case):
    version, figures, said = CASES[case]
    imported = import_tree(more / case / "tree", version)
    for result in imported.outcome.results:
        assert {key: result.entry.get(key) for key in figures} == {
            key: pytest.approx(value, rel=1e-5) if isinstance(value, float) else value for key, value in figures.items()
        }
    assert imported.outcome.results
    assert {finding.code for finding in imported.findings} == said.keys()
    assert all(said[finding.code] in finding.what for finding in imported.findings)
