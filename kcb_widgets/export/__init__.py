"""A run as something else: figures, code, and the script of a replay."""
