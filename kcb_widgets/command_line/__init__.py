"""The command ``kcb-widgets``: run files listed, shown, compared, exported, imported, checked and put away."""
