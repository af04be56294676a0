"""What Streamlit runs, anew for every page and every change on it: the installed playground, with our modules in it."""

import os

from mlperf_training_import.show.playground.viewer.installed import load

load(os.environ["MLPERF_TRAINING_PLAYGROUND_PAGE"], os.environ["CM_TMP_CURRENT_SCRIPT_PATH"]).main()
