"""Many runs beside each other: a table, and their curves in one plot."""
