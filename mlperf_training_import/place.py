"""Where the parts of this program lie that are no modules of it: in a checkout, or in an installed wheel."""

from __future__ import annotations

from pathlib import Path

#: The folder that the package lies in: the checkout, or the packages of an environment.
ROOT = Path(__file__).resolve().parents[1]
IS_CHECKOUT = (ROOT / "_cm.yaml").is_file()
#: The repository for Collective Mind. CM looks into packages whose names begin with ``cm``, those that come later in the
#: alphabet first: this name comes after ``cmx4mlops``.
REPOSITORY = ROOT / ("collective_mind" if IS_CHECKOUT else "cmx4mlperf_training")
#: The script that imports: the folder with ``_cm.yaml``, ``customize.py`` and the lists of required packages.
IMPORT_SCRIPT = ROOT if IS_CHECKOUT else REPOSITORY / "script" / "import-mlperf-training-to-experiment"
#: The script that opens the playground.
GUI_SCRIPT = REPOSITORY / "script" / "gui"
GUI_UID = "605cac42514a4c69"
