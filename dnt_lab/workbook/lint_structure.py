"""Lint rules on what a notebook consists of: its order, its parameters, its figures and links.

The order: title with promise and badge, time and prerequisites, objectives, parameters, start, ...; exercises
(`lint_exercises`); claims; references; navigation. A rule yields ``(cell index or None, sentence)`` for every breach.
"""

import ast
import re
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from urllib.parse import unquote

from nbformat import NotebookNode

from dnt_lab.workbook.claim_table import claims_of
from dnt_lab.workbook.lint_tools import Breaches, code_cells, outputs, tree_of
from dnt_lab.workbook.notebooks import PATTERN

HEADING = re.compile(r"^(#{1,6}) +(.+)$", re.MULTILINE)
CODE_FENCE = re.compile(r"^```.*?^```|`[^`\n]*`", re.MULTILINE | re.DOTALL)
IMAGE = re.compile(r"!\[([^\]]*)\]\(([^)\s]+)[^)]*\)")
LINK = re.compile(r"(?<!!)\[(?:[^\[\]]|!\[[^\]]*\]\([^)]*\))*\]\(([^)\s]+)[^)]*\)")
HTML_IMAGE = re.compile(r"<img\b[^>]*>", re.IGNORECASE)
BINDER_TARGET = re.compile(r"lab/tree/(?:notebooks/)?([\w.-]+\.ipynb)")
PARTS = {
    "objectives": (r"^#{2,} .*(objectives|able to)", "a heading such as '## Objectives'"),
    "time": (r"\b\d+ ?min", "how many minutes it takes"),
    "prerequisites": (r"\bprerequisites?\b", "the word Prerequisites with what they are"),
    "references": (r"^#{2,} .*references", "a heading '## References'"),
}
# Abbreviations of the field, spelled out once per notebook: "physical network object (PNO)", "PNO (physical ...".
ABBREVIATIONS = (
    "PNO", "DNT", "SINR", "RSRP", "BS", "AP", "UE", "AoI", "AoA", "AoD", "URLLC", "eMBB", "mMTC", "SLA", "KPI", "FL",
    "RL", "GNN", "CNN", "LSTM", "PPO", "NLOS", "MIMO", "IETF",
)  # fmt: skip


def file_name(nb: NotebookNode, path: Path) -> Breaches:
    """Notebooks are numbered, so that they sort and can be named on the command line."""
    if not PATTERN.fullmatch(path.name):
        yield None, "the file name must be two digits, an underscore and words, such as 01_twins.ipynb"


def title(nb: NotebookNode, path: Path) -> Breaches:
    """One H1, in the first cell, with a launch badge; headings in order."""
    heads = [(index, len(h[1])) for index, text in _prose(nb) for h in HEADING.finditer(text)]
    ones = [index for index, level in heads if level == 1]
    if ones != [0]:
        yield None, f"there must be one H1 heading, in the first cell, but they are in cells {ones}"
    for (_, above), (index, level) in pairwise(heads):
        if level > above + 1:
            yield index, f"a heading of level {level} follows one of level {above}; no level may be left out"
    if nb.cells and "mybinder.org" not in nb.cells[0].source:
        yield 0, "the first cell has no launch badge; link it to mybinder.org with ?urlpath=lab/tree/notebooks/..."


def parts(nb: NotebookNode, path: Path) -> Breaches:
    """The parts every notebook has."""
    text = "\n".join(cell.source for cell in nb.cells if cell.cell_type == "markdown")
    for part, (pattern, wanted) in PARTS.items():
        if not re.search(pattern, text, re.IGNORECASE | re.MULTILINE):
            yield None, f"{part} missing: write {wanted}"


def parameters(nb: NotebookNode, path: Path) -> Breaches:
    """One parameters cell of assignments only, handed to the package in the next cell."""
    tagged = [i for i, cell in code_cells(nb) if "parameters" in cell.metadata.get("tags", ())]
    if len(tagged) != 1:
        yield None, f"there must be one cell with the tag parameters, but there are {len(tagged)}"
        return
    tree = tree_of(nb.cells[tagged[0]].source)
    statements = tree.body if tree else [None]
    if not all(isinstance(s, ast.Assign | ast.AnnAssign) for s in statements):
        yield tagged[0], "the parameters cell may hold assignments only"
        return
    values = {t.id: s.value for s in statements for t in getattr(s, "targets", None) or [s.target]}
    if getattr(values.get("profile"), "value", None) != "fast" or "seed" not in values:
        yield tagged[0], 'the parameters cell must assign profile = "fast" and a seed'
    following = next((cell.source for i, cell in code_cells(nb) if i > tagged[0]), "")
    if f'workbook.start("{path.name[:2]}"' not in following or not {"profile", "seed"} <= _loaded(following):
        yield tagged[0], f'the next code cell must call workbook.start("{path.name[:2]}", profile, seed)'


def claims(nb: NotebookNode, path: Path) -> Breaches:
    """The article against the measurement, machine-readable."""
    found = claims_of(nb)
    if not found:
        yield None, "no claims table is stored; end a cell with workbook.claims(...)"
    for record in found:
        if record["notebook"] != path.name[:2]:
            yield None, f"claim {record['id']} is stored for notebook {record['notebook']}; check workbook.start"


def navigation(nb: NotebookNode, path: Path) -> Breaches:
    """The last cell leads on."""
    if not nb.cells or "navigation" not in nb.cells[-1].metadata.get("tags", ()):
        yield None, "the last cell must be the navigation; run dnt-lab refresh"


def alt_text(nb: NotebookNode, path: Path) -> Breaches:
    """Every image says in words what it shows."""
    for index, output in outputs(nb):
        if "image/png" in output.get("data", {}) and not output.metadata.get("image/png", {}).get("alt", "").strip():
            yield index, "a figure has no alt text; show it with dnt_lab.viz, which asks for one"
    for index, text in _prose(nb):
        if any(not alt.strip() for alt, _ in IMAGE.findall(text)):
            yield index, "a markdown image has no alt text: ![what it shows](file)"
        if any(not re.search(r"""alt=["'][^"']+""", tag) for tag in HTML_IMAGE.findall(text)):
            yield index, 'an HTML image has no alt="what it shows"'


def figure_sentence(nb: NotebookNode, path: Path) -> Breaches:
    """A sentence before or after each figure says what to see."""
    for index in sorted({i for i, output in outputs(nb) if "image/png" in output.get("data", {})}):
        around = [nb.cells[i] for i in (index - 1, index + 1) if 0 <= i < len(nb.cells)]
        if not any(cell.cell_type == "markdown" and re.search(r"\w[.:?!]", _body(cell.source)) for cell in around):
            yield index, "a figure stands alone; write a sentence before or after it that says what to see"


def links(nb: NotebookNode, path: Path) -> Breaches:
    """Links within the project lead somewhere, and Binder links open notebooks."""
    for index, text in _prose(nb):
        for target in [*LINK.findall(text), *(target for _, target in IMAGE.findall(text))]:
            if match := BINDER_TARGET.search(unquote(target)):
                target = match[1]
            elif re.match(r"[a-z]+:|#", target):
                continue
            if not (path.parent / unquote(target).partition("#")[0]).exists():
                yield index, f"the link to {target} leads nowhere"


def abbreviations(nb: NotebookNode, path: Path) -> Breaches:
    """Abbreviations of the field are spelled out in each notebook that uses them."""
    text = "\n".join(CODE_FENCE.sub("", prose) for _, prose in _prose(nb))
    for short in ABBREVIATIONS:
        used = re.search(rf"\b{short}s?\b", text)
        if used and not re.search(rf"\({short}s?\b|\b{short}s?\W{{0,3}} ?\(|\b{short}s?\b\*{{0,2}} ?[:|] ?\w", text):
            yield None, f"{short} is not spelled out; write its words once, followed by ({short})"


STRUCTURE_RULES: dict[str, Callable[[NotebookNode, Path], Breaches]] = {
    "file-name": file_name,
    "title": title,
    "part": parts,
    "parameters": parameters,
    "claims": claims,
    "navigation": navigation,
    "alt-text": alt_text,
    "figure-sentence": figure_sentence,
    "link": links,
    "abbreviation": abbreviations,
}


def _prose(nb: NotebookNode) -> Iterator[tuple[int, str]]:
    for index, cell in enumerate(nb.cells):
        if cell.cell_type == "markdown":
            yield index, CODE_FENCE.sub("", cell.source)


def _body(markdown: str) -> str:
    return HEADING.sub("", markdown)


def _loaded(source: str) -> set[str]:
    tree = tree_of(source)
    return {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)} if tree else set()
