r"""Keep or update? The twin reads cheap reports at every step and asks only some nodes for a full update.

A `Trace` is a while of a network's life, lived once: at every step the reports, the records that an update would
bring, and the truth for the evaluator. `render` lets a twin live through it by a rule; the rule is given the record and
the report, nothing else.

===============================  ==========================================================
rule                             asks for an update of
===============================  ==========================================================
`always`                         every node
`periodically(share)`            every node in turn, a share of them a step
`at_random(share, seed)`         a share of the nodes, by lot
`by_score(score, threshold, …)`  nodes that score over the threshold
===============================  ==========================================================

>>> trace = watch(pn, n_steps=60, changes={20: "new_building", 40: "failed_link"}, seed=1)
>>> rendering = render(trace, by_score(detector.score, detector.threshold(0.05), trace.cell_position_m))
>>> rendering.updates_saved, rendering.fidelity
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from dnt_lab.datasets._checks import generator, whole
from dnt_lab.datasets._numbers import real
from dnt_lab.mapping.rendering.changes import STEP_S, Change, inject
from dnt_lab.mapping.rendering.graph import Graph, graph_pair
from dnt_lab.mapping.rendering.telemetry import Record, Report, cheap_report, full_record
from dnt_lab.mapping.rendering.truth import Attributes, attributes, rate_fidelity, sinr_fidelity
from dnt_lab.physical import PhysicalNetwork


@dataclass(frozen=True)
class Rule:
    """Whom to update.

    Attributes
    ----------
    decide : callable
        From the step's number, the twin's record and the newest report to the nodes to update, bool (N,).
    reads_reports : bool
        Whether the reports it looks at have to be sent.
    """

    decide: Callable[[int, Record, Report], np.ndarray]
    reads_reports: bool = False


always = Rule(lambda step, record, report: np.ones(_n_nodes(report), bool))
"""Update every node at every step."""


def periodically(share: float) -> Rule:
    """Update a share of the nodes at each step, in turn, so that everyone waits equally long."""
    share = real("share", share, 0.0, 1.0, strict=False)

    def decide(step: int, record: Record, report: Report) -> np.ndarray:
        phase = np.arange(_n_nodes(report)) / _n_nodes(report)
        return np.floor((step + 1) * share + phase) > np.floor(step * share + phase)

    return Rule(decide)


def at_random(share: float, seed=0) -> Rule:
    """Update each node with probability `share` at each step."""
    share, rng = real("share", share, 0.0, 1.0, strict=False), generator(seed)
    return Rule(lambda step, record, report: rng.random(_n_nodes(report)) < share)


def by_score(score: Callable[[Graph, Graph], np.ndarray], threshold: float, cell_position_m: np.ndarray) -> Rule:
    """Update nodes whose score is over a threshold.

    Parameters
    ----------
    score : callable
        From the twin's graph and the observed one to (N,): `Detector.score` or `raw_threshold`.
    threshold : float
        0 or more.
    cell_position_m : ndarray, shape (B, 3)
        Where the twin believes the cells.
    """
    threshold = real("threshold", threshold, strict=False)

    def decide(step: int, record: Record, report: Report) -> np.ndarray:
        return score(*graph_pair(record, report, cell_position_m)) > threshold

    return Rule(decide, reads_reports=True)


def _n_nodes(report: Report) -> int:
    return len(report.cells) + len(report.load)


@dataclass(frozen=True, eq=False)
class Trace:
    """T steps of a network's life.

    Attributes
    ----------
    start : Record
        Full record of every node before the first step.
    reports, records : list of Report, list of Record
        At each step, what is reported, and what an update of a node would bring.
    truths : list of Attributes
        At each step; for the evaluator.
    changes : dict of int to Change
        What was injected, by step.
    cell_position_m : ndarray, shape (B, 3)
        Where cells stood at the start.
    """

    start: Record
    reports: list[Report]
    records: list[Record]
    truths: list[Attributes]
    changes: dict[int, Change]
    cell_position_m: np.ndarray


def watch(
    pn: PhysicalNetwork, n_steps: int, changes: Mapping[int, str] | None = None, seed=0, noise_db: float = 3.0
) -> Trace:
    """Let a network live for `n_steps` steps of 5 s, and change it at some of them.

    Parameters
    ----------
    pn : PhysicalNetwork
        From `dnt_lab.mapping.rendering.living_city`; it has lived on afterwards.
    n_steps : int
        Steps.
    changes : mapping of int to str, optional
        Kind of change before the step of that number, 0 to ``n_steps - 1``.
    seed : int or numpy.random.Generator
        Of the changes.
    noise_db : float
        Error of powers and SINR in reports.

    Raises
    ------
    TypeError, ValueError
        If there is no such step or kind.
    """
    n_steps, rng, changes = whole("n_steps", n_steps, 1), generator(seed), dict(changes or {})
    for step in changes:
        whole("step of a change", step, 0, n_steps - 1)
    start, cell_position_m = full_record(pn), pn.state.cell_position_m.copy()
    reports, records, truths, done = [], [], [], {}
    for step in range(n_steps):
        if step in changes:
            done[step] = inject(pn, changes[step], rng)
        pn.step(STEP_S)
        reports.append(cheap_report(pn, noise_db))
        records.append(full_record(pn))
        truths.append(attributes(pn))
    return Trace(start, reports, records, truths, done, cell_position_m)


@dataclass(frozen=True, eq=False)
class Rendering:
    """How a twin fared under a rule.

    Attributes
    ----------
    updated : ndarray of bool, shape (T, N)
        Who was updated at each step.
    rate_fidelity, sinr_fidelity : ndarray, shape (T,)
        After the updates of each step: 1 - weighted absolute percentage error of rates; users' SINR within 3 dB.
    sent_bytes : ndarray of int, shape (T,)
        Updates and, if the rule reads them, reports.
    """

    updated: np.ndarray
    rate_fidelity: np.ndarray
    sinr_fidelity: np.ndarray
    sent_bytes: np.ndarray

    @property
    def updates_saved(self) -> float:
        """Share of node updates not made, against updating every node at every step."""
        return 1 - float(self.updated.mean())

    @property
    def fidelity(self) -> float:
        """Mean of `rate_fidelity` over the steps."""
        return float(self.rate_fidelity.mean())


def render(trace: Trace, rule: Rule) -> Rendering:
    """Let a twin live through a trace; it starts from a full record and updates whom `rule` names."""
    record, rows = trace.start, []
    for step, (report, fresh, truth) in enumerate(zip(trace.reports, trace.records, trace.truths, strict=True)):
        nodes = rule.decide(step, record, report)
        record = record.updated(fresh, nodes)
        sent = int(record.n_bytes[nodes].sum()) + rule.reads_reports * int(report.n_bytes.sum())
        rows.append((nodes, rate_fidelity(record, truth), sinr_fidelity(record, truth), sent))
    updated, of_rates, of_sinr, sent_bytes = map(np.array, zip(*rows, strict=True))
    return Rendering(updated, of_rates, of_sinr, sent_bytes)
