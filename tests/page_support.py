"""Entries for the page without a server, and what is read of it in a browser."""

from __future__ import annotations

from madeup import TASKS
from madeup import make_entry as make_plain_entry

TUNING = "llama2_70b_lora-1.0"
ROWS = "#scroll tbody tr:not(.space)"


def make_entry(number: int, label: str = "5.0", task: str = "llm-finetuning", **changes) -> dict:
    """An entry that says of which edition it is."""
    edition = {"edition": f"{TASKS[task]}-1.0", "edition_title": f"{TASKS[task]} (from 1.0)"}
    return make_plain_entry(number, label, task, **{**edition, **changes})


def some_entries(of_each: int = 20) -> list[dict]:
    """Two benchmarks, two divisions and two rounds, with a result without accelerators and one that does not tell them."""
    entries = [make_entry(number, label) for label in ("4.1", "5.0") for number in range(of_each)]
    entries += [make_entry(number, "5.0", "text-to-image") for number in range(5)]
    entries += [make_entry(30, "5.0", division="open")]
    entries += [make_entry(31, "5.0", accelerators_count=0), make_entry(32, "5.0", accelerators_count=None)]
    return entries


def many_entries(rounds: int = 5, editions: int = 1, of_each: int = 500) -> list[dict]:
    """500 results a round, of one division and of as many editions."""
    return [
        make_entry(number, f"{major}.0", runs_minutes=[1.0, 2.0], edition=f"llama2_70b_lora-{min(major, editions)}.0")
        for major in range(1, rounds + 1)
        for number in range(of_each)
    ]


def cells(page, key: str) -> list[str]:
    """The texts of a column of the table, of the rows that are drawn."""
    return page.locator(f"{ROWS} .at-{key}").all_inner_texts()


def count(page) -> str:
    return page.locator("#count").inner_text()


def points(page) -> int:
    return page.locator("#chart .points > *").count()


def choose(page, menu: str, *values: str) -> None:
    """Checks values in a menu of the bar of filters."""
    body = page.locator(f'.menu[data-name="{menu}"]')
    body.locator("summary").click()
    for value in values:
        body.get_by_role("checkbox", name=value).check()
    page.keyboard.press("Escape")
