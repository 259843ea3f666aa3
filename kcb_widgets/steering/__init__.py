"""The only writers of models. Everything here runs on the training thread."""
