"""Facts as YAML with their sources, and what loads them. Nothing in here depends on a round that is read."""
