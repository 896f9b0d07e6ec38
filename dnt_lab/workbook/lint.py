"""Lint of notebooks: the rules that keep them running in papermill, passing nbval and readable, checked on the JSON.

No kernel is started. The rules are functions in `lint_code` (what may stand in a cell), `lint_outputs` (what is stored
with it), `lint_structure` (what a notebook consists of) and `lint_exercises`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from dnt_lab.workbook import notebooks
from dnt_lab.workbook.lint_code import CODE_RULES
from dnt_lab.workbook.lint_exercises import EXERCISE_RULES
from dnt_lab.workbook.lint_outputs import OUTPUT_RULES
from dnt_lab.workbook.lint_structure import STRUCTURE_RULES

RULES = {**CODE_RULES, **OUTPUT_RULES, **STRUCTURE_RULES, **EXERCISE_RULES}


@dataclass(frozen=True)
class Finding:
    """One place where a notebook breaks a rule.

    Attributes
    ----------
    notebook : str
        File name.
    cell : int or None
        Index of the cell from 0; None where the notebook as a whole is meant.
    rule : str
        Short name of the rule.
    sentence : str
        What is wrong and what is right.
    """

    notebook: str
    cell: int | None
    rule: str
    sentence: str

    def __str__(self) -> str:
        where = self.notebook if self.cell is None else f"{self.notebook} cell {self.cell}"
        return f"{where}: {self.sentence} [{self.rule}]"


def lint(paths: Sequence[Path]) -> list[Finding]:
    """Return everything that is wrong with notebooks, by notebook and cell.

    Raises
    ------
    ValueError
        If a file is not a notebook.
    """
    findings = []
    for path in paths:
        nb = notebooks.read(path)
        here = [
            Finding(path.name, cell, name, sentence)
            for name, rule in RULES.items()
            for cell, sentence in rule(nb, path)
        ]
        findings += sorted(here, key=lambda finding: -1 if finding.cell is None else finding.cell)
    return findings


def ignored_outputs(paths: Sequence[Path]) -> list[str]:
    """Return the places where a stored output is exempt from comparison (tag ``nbval-ignore-output``)."""
    return [
        f"{path.name} cell {index}"
        for path in paths
        for index, cell in enumerate(notebooks.read(path).cells)
        if "nbval-ignore-output" in cell.metadata.get("tags", ()) or "NBVAL_IGNORE_OUTPUT" in cell.source
    ]
