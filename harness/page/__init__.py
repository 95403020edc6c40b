"""The report that people look at: one file that needs no network, made from the records alone."""

from harness.page.writing import write

__all__ = ["write"]
