"""What the command line shows while and after it works: a progress bar, a table."""

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from dnt_lab.workbook.runner import Outcome


def follow(outcomes: Iterable[Outcome], paths: Sequence[Path]) -> list[Outcome]:
    """Say how each notebook ended while the run goes on, with a progress bar where somebody looks; return them all."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    done = []
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task(paths[0].name, total=len(paths))
        for outcome in outcomes:
            done.append(outcome)
            coming = paths[len(done)].name if len(done) < len(paths) else "done"
            progress.update(task, advance=1, description=coming)
            click.echo(f"{outcome.notebook} {outcome.status} {outcome.seconds:.1f} s {outcome.peak_mib:.0f} MiB")
    return done


def table(head: Sequence[str], rows: Iterable[Sequence]) -> None:
    """Print a table; where nobody looks (a file, CI) it is 160 characters wide."""
    shown = Table(*map(str, head))
    for row in rows:
        shown.add_row(*map(str, row))
    Console(width=None if sys.stdout.isatty() else 160).print(shown)
