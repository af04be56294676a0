"""The two kinds of trouble: what the user must fix, and what is wrong with one file.

Exceptions end a run and become a return code at the edge. A :class:`Finding` never ends anything: it is counted, shown
and written to the report.
"""

from __future__ import annotations


class ImportFailure(Exception):
    """The run cannot go on; the message says where, what, and what to do next.

    ``return_code`` is what Collective Mind gets (16 is its code for "not found").
    """

    return_code = 1


class NothingToImport(ImportFailure):
    """No round is cached, or none that was asked for."""

    return_code = 16


class UnknownTarget(ImportFailure):
    """The repository to publish into is not registered in Collective Mind."""

    return_code = 16


class NothingToShow(ImportFailure):
    """The CM home, or the repository in it that was asked for, holds no results."""

    return_code = 16


class NothingToScore(ImportFailure):
    """No run was found in the files; ``unread`` is set if some could not be read."""

    return_code = 16
    unread = False


class PlaygroundFailure(ImportFailure):
    """The playground cannot start: something that it needs is missing, or its server exited."""


class BadInput(ImportFailure):
    """An option, or what it points to, cannot be used."""


class NotUnderstood(BadInput):
    """What was asked for cannot be found or understood, for commands whose exit code 1 is a verdict."""

    return_code = 2


class AmbiguousRounds(ImportFailure):
    """Two clones claim to be the same round, or one repository claims to be two."""


class WrongRepository(ImportFailure):
    """A tree is a clone of a repository that is not its round's."""


class PrivateRounds(ImportFailure):
    """Rounds under embargo would go to a repository that nobody named."""


class PublishFailure(ImportFailure):
    """The target repository cannot be written."""


class FetchFailure(ImportFailure):
    """A repository could not be fetched; nothing of it is left in the cache."""


class MissingProgram(ImportFailure):
    """A program that is not part of Python is needed, and was not found."""
