"""Runs that are kept: each in a file of its own."""
