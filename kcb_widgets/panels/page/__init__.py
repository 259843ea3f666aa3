"""Pages: a board or a comparison as one HTML file that needs no kernel and no network."""
