"""Cache of Collective Mind or a folder in, :class:`~..model.Round` and :class:`~..model.Submission` records out."""
