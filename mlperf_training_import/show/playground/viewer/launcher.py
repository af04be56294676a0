"""What Streamlit runs: the installed playground, after the repairs that this installation needs.

Streamlit runs this file anew for every page and every change on it, in the process that ``playground.py`` of our package
started. It imports by plain names: this folder is the first on the search path, and our package is not on it at all.
"""

import os

from repairs import repair_once

repair_once(os.environ["MLPERF_TRAINING_PLAYGROUND"])

import playground  # noqa: E402 - the installed one, found only after the repairs

playground.main()
