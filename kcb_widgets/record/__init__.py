"""What happened in a fit, and what is so now; no Keras, no Jupyter."""
