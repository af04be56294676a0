"""Tests of what people see, in a real browser without a window."""
