"""What runs in the playground's own process: its server, the results page, and what stands in for broken modules."""
