"""Turns MLPerf Training result repositories into Collective Mind experiments.

The stages, in the order in which data passes through them: :mod:`.locate`, :mod:`.walk`, :mod:`.mllog`, :mod:`.score`,
:mod:`.entry`, :mod:`.publish`. :mod:`.pipeline` calls them one after the other.
"""

__version__ = "1.0.0"
