"""Commands whose help arrives wherever it is asked for."""

from __future__ import annotations

import sys

import click

from harness.cli import streams


class Command(click.Command):
    """A command; click itself would write UTF-8 to whoever reads ASCII alone."""

    def get_help(self, ctx: click.Context) -> str:
        """Return the help in letters that standard output has."""
        return streams.spelt(super().get_help(ctx), sys.stdout)


class CommandGroup(click.Group):
    """A group of such commands."""

    command_class = Command
    group_class = type

    def get_help(self, ctx: click.Context) -> str:
        """Return the help in letters that standard output has."""
        return streams.spelt(super().get_help(ctx), sys.stdout)
