"""The report of a run: ``index.html`` for people, ``report.json`` for machines, each executed copy as a page."""

import html
import json
import platform
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from dnt_lab.workbook import notebooks
from dnt_lab.workbook.claim_table import claims_of
from dnt_lab.workbook.runner import BUDGET_MIB, BUDGET_S, SERVER_MIB, Outcome

STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:70rem;padding:0 1rem}"
    "table{border-collapse:collapse;margin:1rem 0}caption{text-align:left;font-weight:bold;padding:.3rem 0}"
    "th,td{border:1px solid #888;padding:.3rem .6rem;text-align:left;vertical-align:top}"
    ".number{text-align:right}"
)


def write_report(outcomes: Sequence[Outcome], output: Path, profile: str, solved: bool) -> Path:
    """Write the report of a run into the folder of its executed copies and return the path of ``index.html``."""
    executed = {o.notebook: notebooks.read(output / o.executed) for o in outcomes if o.executed}
    for name, nb in executed.items():
        notebooks.write_text(_page(nb), output / Path(name).with_suffix(".html").name)
    claims = [record for nb in executed.values() for record in claims_of(nb)]
    summary = {
        "profile": profile, "solved": solved, "python": platform.python_version(), "machine": platform.machine(),
        "budget_s": BUDGET_S, "budget_mib": BUDGET_MIB, "server_mib": SERVER_MIB,
        "notebooks": [asdict(o) for o in outcomes], "claims": claims,
    }  # fmt: skip
    notebooks.write_text(json.dumps(summary, indent=1) + "\n", output / "report.json")
    notebooks.write_text(_index(outcomes, claims, profile, solved), output / "index.html")
    return output / "index.html"


def table(caption: str, head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return an HTML table with header cells; the cells of `rows` are HTML already."""
    header = "".join(f'<th scope="col">{name}</th>' for name in head)
    body = "".join(
        f'<tr><th scope="row">{row[0]}</th>' + "".join(f"<td>{cell}</td>" for cell in row[1:]) + "</tr>" for row in rows
    )
    return f"<table><caption>{caption}</caption><thead><tr>{header}</tr></thead><tbody>{body}</tbody></table>"


def _index(outcomes: Sequence[Outcome], claims: Sequence[dict], profile: str, solved: bool) -> str:
    bad = [o for o in outcomes if o.status != "ok"]
    verdict = f"{len(outcomes) - len(bad)} of {len(outcomes)} notebooks ok"
    rows = [
        (
            html.escape(o.notebook), o.status, f"{o.seconds:.1f}", f"{o.peak_mib:.0f}",
            _links(o), html.escape(o.error or ""),
        )
        for o in outcomes
    ]  # fmt: skip
    parts = [
        f"<h1>{verdict}</h1>",
        f"<p>Profile {profile}, {'solved' if solved else 'unsolved'} notebooks. Memory is the kernel's peak plus "
        f"{SERVER_MIB:.0f} MiB for JupyterLab's server; the fast profile allows {BUDGET_S:.0f} s and "
        f"{BUDGET_MIB:.0f} MiB a notebook.</p>",
        table("Notebooks", ("Notebook", "Status", "Seconds", "Peak MiB", "Executed copy", "What went wrong"), rows),
    ]
    if claims:
        fields = ("id", "notebook", "article", "result", "verdict", "why")
        rows = [[html.escape(record[name]) for name in fields] for record in claims]
        head = ("Claim", "Notebook", "The article says", "Measured here", "Verdict", "Why")
        parts.append(table("The article's claims", head, rows))
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>dnt_lab: run of the notebooks</title>'
        f"<style>{STYLE}</style></head><body>{''.join(parts)}</body></html>\n"
    )


def _links(outcome: Outcome) -> str:
    if outcome.executed is None:
        return "none"
    page = Path(outcome.executed).with_suffix(".html").name
    return f'<a href="{page}">page</a>, <a href="{outcome.executed}">notebook</a>'


def _page(nb) -> str:
    from nbconvert import HTMLExporter

    return HTMLExporter().from_notebook_node(nb)[0]
