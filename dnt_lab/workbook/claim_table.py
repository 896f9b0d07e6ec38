"""Executable claims: what the article says against what was measured here, as a table people and machines can read.

The table is shown as HTML (or text) and stored in the same output under `CLAIMS_MIME`, so that ``dnt-lab claims``
can collect it from executed notebooks.
"""

import html
import json
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from numbers import Integral, Real
from pathlib import Path
from typing import Any

from dnt_lab.workbook.session import Settings, current

CLAIMS_MIME = "application/vnd.dnt-lab.claims+json"
CLAIM_IDS = tuple(f"A{k}" for k in range(1, 23))
VERDICTS = {True: "holds", False: "does not hold", None: "not testable here"}
COLUMNS = ("Claim", "The article says", "Measured here", "Verdict", "Why")


@dataclass(frozen=True)
class Claim:
    """One sentence of the article and its fate.

    Attributes
    ----------
    id : str
        Row of the project's list of the article's systems, ``"A1"`` to ``"A22"``.
    article : str
        What the article says, in a sentence.
    measured : str
        What was measured, in words with the unit: ``"SINR error of the other users after a handover, dB"``.
    value : number, str, bool or None
        The measured value; a number is rounded to `digits` significant digits, which is what other machines reproduce.
    holds : bool or None
        Whether the claim holds here; None where it cannot be tested.
    why : str
        One sentence: why it holds, or why it may not and what would decide it.
    interval : (low, high), optional
        Interval of `value` over seeds.
    seeds : int
        Number of seeds behind `value`.
    digits : int
        Significant digits of `value` and `interval`.

    Raises
    ------
    ValueError, TypeError
        If a field is empty, out of range or of the wrong type.
    """

    id: str
    article: str
    measured: str
    value: float | str | bool | None
    holds: bool | None
    why: str
    interval: tuple[float, float] | None = None
    seeds: int = 1
    digits: int = 2

    def __post_init__(self):
        if self.id not in CLAIM_IDS:
            raise ValueError(f"claim id is {self.id!r}, but it must be one of A1 to A22")
        for name in ("article", "measured", "why"):
            text = getattr(self, name)
            if not isinstance(text, str) or not text.strip():
                raise ValueError(f"{name} of claim {self.id} is {text!r}, but it must be a sentence")
        for name, least in (("seeds", 1), ("digits", 1)):
            number = getattr(self, name)
            if isinstance(number, bool) or not isinstance(number, Integral) or number < least:
                raise ValueError(f"{name} of claim {self.id} is {number!r}, but it must be a whole number >= {least}")
        object.__setattr__(self, "holds", _as_verdict(self.id, self.holds))
        object.__setattr__(self, "value", self._rounded(self.value))
        object.__setattr__(self, "interval", self._checked_interval())

    def _rounded(self, value: Any) -> float | str | bool | None:
        if hasattr(value, "item"):
            value = value.item()
        if value is None or isinstance(value, bool | str | Integral):
            return value
        if not isinstance(value, Real):
            raise TypeError(f"value of claim {self.id} is a {type(value).__name__}, but it must be a number or a text")
        return float(f"{value:.{self.digits}g}")

    def _checked_interval(self) -> tuple[float, float] | None:
        if self.interval is None:
            return None
        low, high = self.interval
        if not low <= high:
            raise ValueError(f"interval of claim {self.id} is ({low}, {high}), but the low end must come first")
        return self._rounded(low), self._rounded(high)

    def result(self) -> str:
        """Return the measured value with its interval, as text."""
        if self.value is None:
            return self.measured
        text = f"{self.measured}: {_plain(self.value)}"
        if self.interval is not None:
            text += f" ({_plain(self.interval[0])} to {_plain(self.interval[1])})"
        return text + (f", {self.seeds} seeds" if self.seeds > 1 else "")


class ClaimTable:
    """The claims of one notebook; a notebook shows it by ending a cell with it."""

    def __init__(self, claims: Sequence[Claim], settings: Settings):
        self.claims = tuple(claims)
        self.settings = settings

    def __repr__(self) -> str:
        lines = [f"{c.id} {VERDICTS[c.holds]}: {c.article} | {c.result()} | {c.why}" for c in self.claims]
        return "\n".join([self._caption(), *lines])

    def _repr_mimebundle_(self, include=None, exclude=None) -> dict[str, Any]:
        return {"text/plain": repr(self), "text/html": self._html(), CLAIMS_MIME: self.records()}

    def records(self) -> list[dict[str, Any]]:
        """Return one JSON-ready dict per claim, with the notebook, profile and seed it was measured with."""
        where = asdict(self.settings)
        records = [
            {**asdict(claim), "result": claim.result(), "verdict": VERDICTS[claim.holds], **where}
            for claim in self.claims
        ]
        return json.loads(json.dumps(records))

    def _caption(self) -> str:
        s = self.settings
        return f"The article against what was measured here (notebook {s.notebook}, profile {s.profile}, seed {s.seed})"

    def _html(self) -> str:
        head = "".join(f'<th scope="col">{name}</th>' for name in COLUMNS)
        rows = "".join(
            f'<tr><th scope="row">{c.id}</th>'
            + "".join(
                f'<td style="text-align:left">{html.escape(text)}</td>'
                for text in (c.article, c.result(), VERDICTS[c.holds], c.why)
            )
            + "</tr>"
            for c in self.claims
        )
        return f"<table><caption>{self._caption()}</caption><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"


def claims(*rows: Claim | Sequence[Claim]) -> ClaimTable:
    """Return the table of claims at a notebook's end; end the cell with it, so that it is shown and stored.

    Parameters
    ----------
    *rows : Claim
        At least one, or a list of them.

    Raises
    ------
    ValueError, TypeError
        If there is no claim, or something else than a claim.
    RuntimeError
        If the notebook has not called `start`.
    """
    if len(rows) == 1 and isinstance(rows[0], Sequence) and not isinstance(rows[0], str):
        rows = tuple(rows[0])
    if not rows:
        raise ValueError("claims() got no claim, but a notebook ends in at least one")
    for row in rows:
        if not isinstance(row, Claim):
            raise TypeError(f"claims() takes Claim objects, got a {type(row).__name__}")
    return ClaimTable(rows, current())


def collect(paths: Sequence[Path]) -> list[dict[str, Any]]:
    """Return the claims stored in executed notebooks, by notebook and then as listed there.

    Raises
    ------
    ValueError
        If a file is not a notebook.
    """
    from dnt_lab.workbook.notebooks import read

    return [record for path in paths for record in claims_of(read(path))]


def claims_of(nb) -> list[dict[str, Any]]:
    """Return the claims stored in one executed notebook."""
    outputs = (output for cell in nb.cells for output in cell.get("outputs", ()))
    return [record for output in outputs for record in output.get("data", {}).get(CLAIMS_MIME, ())]


def _as_verdict(claim_id: str, holds: Any) -> bool | None:
    if hasattr(holds, "item"):
        holds = holds.item()
    if holds is not None and not isinstance(holds, bool):
        raise TypeError(f"holds of claim {claim_id} is {holds!r}, but it must be True, False or None (not testable)")
    return holds


def _plain(value: float | str | bool) -> str:
    text = f"{value:.12g}" if isinstance(value, float) else str(value)
    return re.sub(r"e([+-])0*", r"e\1", text)
