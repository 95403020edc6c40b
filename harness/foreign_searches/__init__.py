"""Searches that other tools made, as records of the harness, so that tables, page and exports hold them."""
