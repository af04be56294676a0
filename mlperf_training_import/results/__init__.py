"""Submissions and what their logs say in, :class:`~..model.Result` records with their entries out."""
