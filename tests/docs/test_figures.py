"""What the figures of the analysis are drawn from."""

from __future__ import annotations

from mlperf_training_import.results.reference import judge_convergence, prune
from mlperf_training_import.tables.references import reference_runs
from mlperf_training_import.tables.rules import benchmark_of


def test_the_lines_of_the_review_say_what_the_verdict_says():
    from docs import make_figures  # loads matplotlib and pandas, which take a second: not where other tests are collected

    results = make_figures.pd.DataFrame({"Model_ID": ["bert", "bert", "ssd"], "global_batch_size": [448, 3072, 2]})
    lines = make_figures.review_lines(results, "bert")
    rules = benchmark_of("bert", make_figures.ROUND)
    references = prune(reference_runs("training", "bert", make_figures.ROUND), rules.drop)
    assert list(lines.index[[0, -1]]) == [448, references[-1].batch_sizes[0]]
    for size, mean, least in lines.itertuples():
        verdict = judge_convergence([least] * rules.runs, size, references, rules.runs, rules.drop)
        assert (verdict.name, verdict.reference.mean) == ("pass", mean)
        assert judge_convergence([least * 0.999] * rules.runs, size, references, rules.runs, rules.drop).name == "fail"
