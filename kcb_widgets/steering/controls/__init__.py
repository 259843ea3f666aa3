"""What can be changed while a model trains."""
