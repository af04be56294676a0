"""Log files in, what they say out: :class:`~..model.RunLog` records and power logs, before anybody judges them."""
