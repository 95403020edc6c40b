"""A matrix for somebody's own images: what they are, which weights are in reach, and what a budget has room for."""
