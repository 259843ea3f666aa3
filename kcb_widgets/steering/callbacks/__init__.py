"""Keras's own callbacks, and the user's, as cards: one file for each family."""
