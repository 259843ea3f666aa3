"""What is seen: the only builders of it. Nothing here imports Keras or touches a model."""
