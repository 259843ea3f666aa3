"""All uses of private names of Keras, TensorFlow and Python's interpreter, behind functions that say what they need.

Each function names what it relies on, and what no longer works without that. The rest of the package uses public names
only, which ``tests/test_architecture.py`` checks. Functions that write to a model are for ``steering/`` alone.
"""
