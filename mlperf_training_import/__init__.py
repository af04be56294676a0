"""Turns MLPerf Training result repositories into Collective Mind experiments.

A room per stage, in the order in which data passes through them: :mod:`.rounds`, :mod:`.logs`, :mod:`.results`,
:mod:`.experiments`, :mod:`.show`; facts are in :mod:`.tables`. :mod:`.pipeline` calls them one after the other.
"""

__version__ = "1.0.0"
