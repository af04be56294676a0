"""Results with every run and evaluation in, tables in files out: what researchers ask of the logs beyond scores."""
