"""The command line: words typed in, an exit code out. One module per command, and ``line`` that calls them.

A command is a module with a docstring (its help), ``add_flags(parser)`` and ``run(options) -> exit code``, named in
``line.COMMANDS``. It raises an ``ImportFailure`` for what the user must fix.
"""
