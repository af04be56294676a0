"""Run by the Python of an environment that has mlperf_logging: paths of logs and rulesets in, its verdicts out.

Standard input has one JSON list ``[path, usage, ruleset]`` per line; standard output one object for each of them. What is
told are verdicts and keys, none of the texts.
"""

import contextlib
import io
import json
import sys

from mlperf_logging.compliance_checker import mlp_compliance

for text in sys.stdin:
    path, usage, ruleset = json.loads(text)
    del mlp_compliance.enqueued_configs[:]
    checker = mlp_compliance.make_checker(usage, ruleset, False, False)
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        try:
            valid, *_ = mlp_compliance.main(path, f"{usage}_{ruleset}/common.yaml", checker)
            verdict = "pass" if valid else "fail"
        except Exception:
            verdict = "crash"
    keys = sorted(checker.overwritable)
    print(
        json.dumps(
            {"verdict": verdict, "keys": keys, "warned": sorted(checker.warnings), "others": bool(checker.not_overwritable)}
        )
    )
