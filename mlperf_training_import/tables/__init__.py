"""Facts as YAML with their sources, and the code that loads them. Nothing here depends on the round that is read."""
