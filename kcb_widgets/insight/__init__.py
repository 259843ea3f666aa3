"""Looking inside the model while it is at rest, on the thread that trains it. Nothing here writes to it."""
