"""Writes entries as experiments of Collective Mind, and reads them back to show them."""
