"""Says whether a submission would pass, and what a reviewer would object to: files in, remarks out."""
