"""Facts as YAML with their sources, and what loads them. Nothing here depends on the round that is read."""
