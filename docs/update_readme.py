"""Brings the generated parts of README.md up to date: ``python docs/update_readme.py`` (``--check`` only compares)."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import yaml

PROJECT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(PROJECT))

from mlperf_training_import.errors import ADVICE  # noqa: E402 - the package is beside this folder
from mlperf_training_import.roundtable import table as rounds_table  # noqa: E402


def flags_table() -> str:
    """The flags of ``_cm.yaml`` with their sentences."""
    flags = yaml.safe_load((PROJECT / "_cm.yaml").read_text(encoding="utf-8"))["input_description"]
    return table(("flag", "what it does"), ((f"`--{name}`", row["desc"]) for name, row in flags.items()))


def findings_table() -> str:
    """The kinds of findings, most serious first, with what to do about each."""
    return table(("finding", "what to do"), ((f"`{code}`", advice) for code, advice in ADVICE.items()))


def table(head, rows) -> str:
    """A Markdown table."""
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join("| " + " | ".join(map(escaped, line)) + " |" for line in lines)


def escaped(cell: str) -> str:
    """Text as a cell: a bar would end it, and what is in angle brackets would be taken for HTML."""
    return cell.replace("|", "\\|").replace("<", "&lt;")


def updated(text: str) -> str:
    """The text of README with its generated parts made anew."""
    for name, make in (("flags", flags_table), ("findings", findings_table), ("rounds", rounds_table)):
        pattern = re.compile(rf"(<!-- {name}:[^\n]*-->\n).*?(<!-- end of {name} -->)", re.DOTALL)
        part = make()
        text, count = pattern.subn(lambda match, part=part: f"{match[1]}{part}\n{match[2]}", text)
        if count != 1:
            raise ValueError(f"README.md: expected one part named {name}, found {count}")
    return text


def main() -> int:
    """Updates or checks; returns the exit code."""
    file = PROJECT / "README.md"
    old = file.read_text(encoding="utf-8")
    new = updated(old)
    if "--check" in sys.argv[1:]:
        return 0 if new == old else 1
    file.write_text(new, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
