"""The repository that Collective Mind finds in an installed package; its scripts stand in ``script``."""
