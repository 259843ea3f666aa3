"""Proves every control in every mode, by what the next batches do to the weights: `python tests/modes/run.py graph`.

A mode is a process of its own: a backend, virtual devices and a dtype policy are chosen once, before Keras starts. It
runs every `check_…` in `checks/`, and prints and writes what came of each.

The unit of time here is an execution, one call of Keras's training function: a batch, or two with
`steps_per_execution=2`. What is asked for at the end of an execution must govern the very next one.
"""
