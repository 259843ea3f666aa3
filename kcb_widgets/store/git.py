"""Stub."""
def revision(folder):
    """Stub."""
    return {}
