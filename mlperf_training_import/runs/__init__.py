"""Any files with log lines in, scored runs out: for those who measured something and have no submission of it."""
