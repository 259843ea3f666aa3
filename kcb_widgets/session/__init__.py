"""One fit under way: how it is followed, from its beginning to whatever end."""
