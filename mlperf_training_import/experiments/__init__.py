"""Entries in, experiments of Collective Mind on the disk out; and back again, to show them."""
