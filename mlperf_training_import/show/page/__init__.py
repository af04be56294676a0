"""Entries in, one web page out that needs no server and no network."""
