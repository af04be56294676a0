"""Writes every run and evaluation as tables in files, for questions that a score does not answer."""
