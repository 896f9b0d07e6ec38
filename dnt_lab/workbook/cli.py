"""The command line ``dnt-lab``; every command is a few lines over a module of this package.

Exit codes: 0 all is well, 1 something failed (a notebook, a check), 2 the command was written wrongly, 130 stopped by
Ctrl-C. Heavy imports stand inside the commands, so that ``dnt-lab --help`` answers at once.
"""

import ast
import json
import sys
import warnings
from pathlib import Path

import click

from dnt_lab import __version__

INTERRUPTED = 130
NUMBERS = click.argument("numbers", nargs=-1, metavar="[NN]...")


class Commands(click.Group):
    """A group whose errors are one sentence, and whose interruption is said and leaves its own exit code."""

    def invoke(self, ctx: click.Context):
        """Run the command that was asked for."""
        from dnt_lab.workbook.processes import terminate_as_interrupt

        try:
            with terminate_as_interrupt():
                return super().invoke(ctx)
        except KeyboardInterrupt:
            # asyncio warns of every coroutine that the interrupt kept from starting
            warnings.simplefilter("ignore", RuntimeWarning)
            click.echo("stopped", err=True)
            ctx.exit(INTERRUPTED)
        except (ValueError, TypeError, OSError, RuntimeError) as error:
            if isinstance(error, click.ClickException | click.exceptions.Exit):
                raise
            raise click.ClickException(str(error)) from error


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="dnt-lab")
def main():
    """Open, run and check the workbook on digital network twins.

    NN is a notebook's number, such as 01; without a number a command takes all notebooks.
    """


@main.command()
@click.option("--no-browser", is_flag=True, help="Do not open a browser; print the address instead.")
@click.option("--port", type=click.IntRange(1, 65535), help="Port of the server; any free one by default.")
@click.argument("more", nargs=-1, metavar="[-- OPTION...]")
def lab(no_browser, port, more):
    """Open JupyterLab on notebook 00.

    What follows -- goes to JupyterLab, such as: dnt-lab lab -- --allow-root
    """
    from dnt_lab.workbook.lab import serve

    sys.exit(serve(_folder(), browser=not no_browser, port=port, more=more))


@main.command()
@NUMBERS
@click.option(
    "--profile",
    type=click.Choice(["fast", "full"]),
    default="fast",
    show_default=True,
    help="fast is what is tested; full is the scale of the article and may take hours.",
)
@click.option("-p", "given", multiple=True, metavar="NAME=VALUE", help="Value of a parameter; may be repeated.")
@click.option(
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("out"),
    show_default=True,
    help="Folder of the executed copies and the report.",
)
@click.option("--solved", is_flag=True, help="Fill in the solutions; then every check must pass.")
@click.option("--wrong", is_flag=True, help="Fill in the wrong answers; then every check must refuse them.")
@click.option("--timeout", type=click.IntRange(min=1), default=None, metavar="SECONDS",
              help="Longest time for a cell; 300 by default, 14400 in the profile full.")  # fmt: skip
def run(numbers, profile, given, output, solved, wrong, timeout):
    """Run notebooks without a browser and write a report.

    Each is executed in one process with a kernel of its own. The output folder gets the executed copies, index.html
    and report.json with each notebook's status, seconds and peak memory. A notebook that fails, or exceeds 60 s or
    900 MiB in the profile fast, makes the exit code 1; the others still run.
    """
    if solved and wrong:
        raise click.UsageError("--solved and --wrong exclude each other")
    paths = _select(numbers)
    parameters = {"profile": profile, **dict(map(_parameter, given))}
    timeout_s = timeout or (14400 if profile == "full" else 300)
    from dnt_lab.workbook import runner
    from dnt_lab.workbook.console import follow
    from dnt_lab.workbook.report import write_report
    from dnt_lab.workbook.wrong_answers import run_wrong

    try:
        runner.check_parameters(paths, parameters)
    except (ValueError, TypeError) as error:
        raise click.UsageError(str(error)) from error
    if wrong:
        outcomes = follow(run_wrong(paths, timeout_s), paths)
    else:
        outcomes = follow(runner.run(paths, output, parameters, solved, timeout_s), paths)
        click.echo(f"report: {write_report(outcomes, output, parameters['profile'], solved)}")
    bad = [outcome for outcome in outcomes if outcome.status != "ok"]
    for outcome in bad:
        copy = f"; executed copy: {output / outcome.executed}" if outcome.executed else ""
        click.echo(f"{outcome.notebook} {outcome.status}: {outcome.error}{copy}", err=True)
    sys.exit(1 if bad else 0)


@main.command()
@NUMBERS
def lint(numbers):
    """Check the notebooks' files against the rules, without running them."""
    from dnt_lab.workbook.lint import ignored_outputs
    from dnt_lab.workbook.lint import lint as lint_paths

    paths = _select(numbers)
    findings = lint_paths(paths)
    for finding in findings:
        click.echo(finding)
    ignored = ignored_outputs(paths)
    click.echo("\n  ".join([f"{len(ignored)} stored outputs are exempt from comparison", *ignored]))
    click.echo(f"{len(paths)} notebooks, {len(findings)} findings")
    sys.exit(1 if findings else 0)


@main.command()
@NUMBERS
def check(numbers):
    """Run notebooks and compare every stored output with the fresh one (nbval)."""
    from dnt_lab.workbook.compare_outputs import nbval

    sys.exit(1 if nbval(_select(numbers), click.echo) else 0)


@main.command()
@NUMBERS
def refresh(numbers):
    """Run notebooks in place: fresh outputs, navigation, clean metadata. For authors."""
    from dnt_lab.workbook.refresh import refresh as refresh_one

    for path in _select(numbers):
        click.echo(f"{path.name} {'refreshed' if refresh_one(path) else 'unchanged'}")


@main.command()
def doctor():
    """Say what is missing on this machine, and how to mend it."""
    from dnt_lab.workbook.doctor import examine

    findings = examine()
    for finding in findings:
        mend = f"\n         mend: {finding.mend}" if finding.mend else ""
        click.echo(f"{finding.status:8} {finding.what}{mend}")
    sys.exit(1 if any(finding.status == "missing" for finding in findings) else 0)


@main.group()
def data():
    """List, fetch and verify data sets."""


@data.command("list")
def list_data():
    """List the data sets: which come with the package, which one can fetch."""
    from dnt_lab import datasets
    from dnt_lab.workbook.console import table

    available = datasets.available()
    table(["name", *available.columns], available.itertuples())


@data.command()
@click.argument("names", nargs=-1)
@click.option("--folder", type=click.Path(exists=True, file_okay=False, path_type=Path), help="Where a download lies.")
def verify(names, folder):
    """Compare data sets NAMES with their recorded checksums; all bundled ones if none is named."""
    from dnt_lab import datasets

    available = datasets.available()
    for name in names or available.index[available["bundled"]]:
        count = datasets.verify(name, folder)
        click.echo(f"{name} ok ({count} {'file' if count == 1 else 'files'})")


@data.command()
@click.argument("name")
@click.argument("destination", type=click.Path(file_okay=False, path_type=Path))
@click.option("--file", "files", multiple=True, help="Only this file; may be repeated. All files by default.")
def fetch(name, destination, files):
    """Fetch data set NAME into the folder DESTINATION; an interrupted fetch can be repeated."""
    from dnt_lab import datasets

    click.echo(datasets.fetch(name, destination, files or None))


@main.command()
@click.argument("destination", type=click.Path(path_type=Path))
@NUMBERS
def assignment(destination, numbers):
    """Write an nbgrader course into the new folder DESTINATION, one assignment per notebook."""
    from dnt_lab.workbook.assignment import write_course

    for path in write_course(_select(numbers), destination):
        click.echo(path)
    click.echo(f"next: cd {destination} && nbgrader generate_assignment NN")


@main.command()
@click.argument("files", nargs=-1, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Machine-readable.")
def claims(files, as_json):
    """Collect the claims tables of executed notebooks: what the article says, what was measured.

    FILES are executed notebooks, such as out/*.ipynb; by default the stored ones.
    """
    from dnt_lab.workbook.claim_table import collect
    from dnt_lab.workbook.console import table

    records = collect(files or _select(()))
    if as_json:
        click.echo(json.dumps(records, indent=1))
        return
    fields = {"id": "Claim", "notebook": "nb", "article": "The article says", "result": "Measured here",
              "verdict": "Verdict", "why": "Why"}  # fmt: skip
    table(list(fields.values()), [[record[name] for name in fields] for record in records])


def _folder() -> Path:
    from dnt_lab.workbook.notebooks import notebooks_folder

    return notebooks_folder()


def _select(numbers) -> list[Path]:
    from dnt_lab.workbook.notebooks import select

    try:
        return select(_folder(), numbers)
    except LookupError as error:
        raise click.UsageError(str(error)) from error


def _parameter(text: str):
    name, equals, value = text.partition("=")
    if not equals or not name.isidentifier():
        raise click.UsageError(f"-p {text} is not NAME=VALUE")
    try:
        return name, ast.literal_eval(value)
    except (ValueError, SyntaxError):
        return name, value


if __name__ == "__main__":
    main()
