"""Where cells run: which executor, on which slots, with which libraries."""
