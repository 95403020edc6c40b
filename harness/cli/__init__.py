"""The command line: parse, call, print, pick the exit code."""

from harness.cli.commands import main

__all__ = ["main"]
