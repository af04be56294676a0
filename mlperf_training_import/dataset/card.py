"""Writes the README.md of a data set, its card: Hugging Face and people find there which files are which table.

Source: https://huggingface.co/docs/hub/datasets-manual-configuration
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..regular import read_regular
from ..tables.dataset import dataset_tables, schema_version
from .parquet import table_files

if TYPE_CHECKING:
    from pathlib import Path

CARD_FILE = "README.md"
#: How each card of this importer begins.
_HEAD = "---\npretty_name: MLPerf Training and HPC, every run\n"
_MOST_BYTES = 1 << 20

_TEXT = """
# MLPerf Training and HPC: every run

Made from the published logs and system descriptions by the MLPerf Training importer; schema version {version}.
Each folder is a table, and each file in it is a round. The Parquet files and `croissant.json` say what each column means,
its unit, and whether the importer computed it; `croissant.json` also names the sources. MLPerf is a trademark of MLCommons.

```sql
select benchmark, count(*) from 'runs/*.parquet' where repeat_of is null group by all   -- DuckDB
```

| table | what it holds |
| --- | --- |
{tables}
"""


def card(folder: Path) -> str:
    """The card of the tables in a folder: its head for programs, and a text for people."""
    tables = [table for table in dataset_tables().values() if table_files(folder, table.name)]
    configs = "".join(f"- config_name: {table.name}\n  data_files: {table.name}/*.parquet\n" for table in tables)
    rows = "\n".join(f"| `{table.name}` | {table.text} |" for table in tables)
    return f"{_HEAD}license: apache-2.0\nconfigs:\n{configs}---\n{_TEXT.format(version=schema_version(), tables=rows)}"


def is_card(file: Path) -> bool:
    """Whether a file may be replaced: it is missing, or this importer wrote it."""
    try:
        return read_regular(file, _MOST_BYTES).startswith(_HEAD.encode())
    except FileNotFoundError:
        return True
    except OSError:
        return False
