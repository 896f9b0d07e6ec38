r"""How well are changes noticed, and what does keeping save? One row a seed, so that the caller sees the spread.

Both studies build a living city of their own a seed, watch it quietly, fit every method to that history, and only then
change the city. Methods:

======================  ==============================================================================================
method                  score of a node
======================  ==============================================================================================
``"raw threshold"``     largest difference of its own numbers, in units of the amount that counts as a change
``"own numbers"``       Mahalanobis distance of its own numbers
``"one hop"``           the same of its neighbours' mean: smooth without learning
``"own and one hop"``   the same of both side by side
``"untrained"``         the same of the embedding by a graph encoder with random weights
``"gae"``, ``"dgi"``    the same of the embedding by an encoder trained as a graph auto-encoder, by Deep Graph Infomax
======================  ==============================================================================================
"""

from __future__ import annotations

import copy
from collections.abc import Sequence

import numpy as np
import pandas as pd

from dnt_lab.datasets._checks import one_of, whole
from dnt_lab.datasets._numbers import inner_share, real
from dnt_lab.mapping.rendering.changes import CHANGES, STEP_S, inject, living_city
from dnt_lab.mapping.rendering.detect import Detector, auc, fit_detector, one_hop, own, own_and_one_hop, raw_threshold
from dnt_lab.mapping.rendering.encoder import ENCODERS, train_encoder
from dnt_lab.mapping.rendering.graph import Graph, graph_pair
from dnt_lab.mapping.rendering.keep_or_update import always, at_random, by_score, periodically, render, watch
from dnt_lab.mapping.rendering.telemetry import cheap_report, full_record, silenced
from dnt_lab.mapping.rendering.truth import attributes, drift
from dnt_lab.physical import PhysicalNetwork

LAG_STEPS = 3
"""Steps by which the twin's record is older than the report in history and in `change_study`: 15 s."""
QUIET_STEPS = 20
FALSE_SHARES = (0.6, 0.4, 0.3, 0.2, 0.1, 0.02)
RAW_AMOUNTS = (1.0, 1.25, 1.5, 1.75, 2.0, 3.0)
BUDGETS = (0.6, 0.5, 0.4, 0.3, 0.2, 0.1)
_VIEWS = {"own numbers": own, "one hop": one_hop, "own and one hop": own_and_one_hop}
METHODS = ("raw threshold", *_VIEWS, *reversed(ENCODERS))
"""Methods of both studies."""


def quiet_pairs(
    pn: PhysicalNetwork, n_steps: int = QUIET_STEPS, noise_db: float = 3.0, silent: np.ndarray | None = None
) -> list[tuple[Graph, Graph]]:
    """Watch a network in ordinary life.

    Parameters
    ----------
    pn : PhysicalNetwork
        From `living_city`; it has lived on afterwards.
    n_steps : int
        Steps, more than three.
    noise_db : float
        Error of powers and SINR in reports.
    silent : ndarray of bool, shape (U,), optional
        Users who send no reports; nobody by default.

    Returns
    -------
    list of (Graph, Graph)
        At each step from the fourth on, the graph of a record 15 s old and the graph of the reports.
    """
    n_steps, cell_position_m = whole("n_steps", n_steps, LAG_STEPS + 1), pn.snapshot().cell_position_m
    records, pairs = [], []
    silent = np.zeros(pn.state.n_users, bool) if silent is None else silent
    for step in range(n_steps):
        records.append(full_record(pn))
        report = cheap_report(pn, noise_db)
        if step >= LAG_STEPS:
            record = records[step - LAG_STEPS]
            pairs.append(graph_pair(record, silenced(report, record, silent), cell_position_m))
        pn.step(STEP_S)
    return pairs


def fit_methods(
    pairs: Sequence[tuple[Graph, Graph]],
    seed: int = 0,
    methods: Sequence[str] = METHODS,
    learn_from: Sequence[tuple[Graph, Graph]] | None = None,
) -> dict[str, Detector]:
    """Fit methods to change-free history.

    Parameters
    ----------
    pairs : sequence of (Graph, Graph)
        Of the network to be watched; the ordinary spread is measured on them.
    seed : int
        Of the encoders.
    methods : sequence of str
        Which of `METHODS`; the raw threshold needs no fit and is left out.
    learn_from : sequence of (Graph, Graph), optional
        What the encoders are trained on instead: history of another network.

    Returns
    -------
    dict of str to Detector
    """
    graphs = [graph for pair in learn_from or pairs for graph in pair]
    fitted = {}
    for name in methods:
        if one_of("method", name, METHODS) != "raw threshold":
            view = _VIEWS[name] if name in _VIEWS else train_encoder(graphs, name, seed).embed
            fitted[name] = fit_detector(view, pairs)
    return fitted


def change_study(
    seeds: Sequence[int] = range(5),
    n_users: int = 1000,
    noise_db: float = 3.0,
    city="florence",
    learn_in=None,
    methods: Sequence[str] = METHODS,
    silent_share: float = 0.0,
) -> pd.DataFrame:
    """Inject each kind of change into a copy of a city; see who scores the changed nodes above the others.

    A node counts as changed by the injection if its drift since the record is over 1 and so is its distance from a copy
    of the city to which nothing was done; as unchanged if its drift is below a half. The others (changed a little, or
    by ordinary life) are left out of ``auc``; ``auc_all`` takes all nodes and all reasons, drift over 1 or not.

    Parameters
    ----------
    seeds : sequence of int
        One city a seed.
    n_users, noise_db, city
        As in `living_city` and `cheap_report`.
    learn_in : optional
        City in which the encoders are trained, if it is another one.
    methods : sequence of str
        Which of `METHODS`.
    silent_share : float
        Share of users who send no reports, 0 or more and below 1; they are judged apart.

    Returns
    -------
    DataFrame
        Columns ``seed, kind, method``; ``auc, auc_all, changed, unchanged`` of the nodes that report, ``auc_silent`` of
        those that do not (NaN if there are none). The report is taken 15 s after the change.
    """
    rows, silent_share = [], real("silent_share", silent_share, 0.0, 0.99, strict=False)
    for seed in seeds:
        pn = living_city(city, n_users, whole("seed", seed, 0))
        silent = np.random.default_rng([seed, len(CHANGES)]).random(n_users) < silent_share
        heard = np.append(~silent, np.ones(pn.state.n_cells, bool))
        elsewhere = None if learn_in is None else quiet_pairs(living_city(learn_in, n_users, seed), noise_db=noise_db)
        fitted = fit_methods(quiet_pairs(pn, noise_db=noise_db, silent=silent), seed, methods, elsewhere)
        scores = {name: fitted[name].score if name in fitted else raw_threshold for name in methods}
        record, before, cell_position_m = full_record(pn), attributes(pn), pn.snapshot().cell_position_m
        otherwise = attributes(_later(_copy(pn)))
        for number, kind in enumerate(CHANGES):
            city_now = _copy(pn)
            inject(city_now, kind, np.random.default_rng([seed, number]))
            now = attributes(_later(city_now))
            report = silenced(cheap_report(city_now, noise_db), record, silent)
            pair = graph_pair(record, report, cell_position_m)
            moved = drift(before, now)
            by_it, calm = (moved > 1) & (drift(otherwise, now) > 1), moved < 0.5
            groups = [heard & (by_it | calm), ~heard & (by_it | calm)]
            for name, score_of in scores.items():
                score = score_of(*pair)
                found = [auc(score[group], by_it[group]) for group in groups]
                everyone = auc(score[heard], moved[heard] > 1)
                count = int((by_it & heard).sum()), int((calm & heard).sum())
                rows.append((seed, kind, name, found[0], everyone, *count, found[1]))
    columns = ["seed", "kind", "method", "auc", "auc_all", "changed", "unchanged", "auc_silent"]
    return pd.DataFrame(rows, columns=columns)


def _copy(pn: PhysicalNetwork) -> PhysicalNetwork:
    """An independent network in the same houses, which are costly to copy and never change."""
    return copy.deepcopy(pn, {id(pn.radio.scene): pn.radio.scene})


def _later(pn: PhysicalNetwork) -> PhysicalNetwork:
    for _ in range(LAG_STEPS):
        pn.step(STEP_S)
    return pn


def saving_study(
    seeds: Sequence[int] = range(5),
    n_users: int = 600,
    n_steps: int = 60,
    noise_db: float = 3.0,
    city="florence",
    methods: Sequence[str] = METHODS,
) -> pd.DataFrame:
    """Let twins live through the same changes by different rules; see what each saves and what it loses.

    All four kinds of change happen, evenly spread over `n_steps` steps of 5 s, five at least; the other parameters are
    those of `change_study`.

    Returns
    -------
    DataFrame
        Columns ``seed, method, setting`` (share of false updates in ordinary life, raw amount or budget),
        ``updates_saved``, ``bytes_saved`` (reports counted), ``fidelity_loss`` and ``sinr_loss`` (both relative to
        updating always), sorted by seed, method and ``updates_saved``.
    """
    n_steps, rows = whole("n_steps", n_steps, len(CHANGES) + 1), []
    for seed in seeds:
        pn = living_city(city, n_users, whole("seed", seed, 0))
        fitted = fit_methods(quiet_pairs(pn, noise_db=noise_db), seed, methods)
        when = np.linspace(0, n_steps, len(CHANGES) + 1)[:-1] + n_steps / 8
        trace = watch(pn, n_steps, dict(zip(when.astype(int).tolist(), CHANGES, strict=True)), seed, noise_db)
        best, place_m = render(trace, always), trace.cell_position_m
        rules = [
            (name, share, by_score(detector.score, detector.threshold(share), place_m))
            for name, detector in fitted.items()
            for share in FALSE_SHARES
        ]
        if "raw threshold" in methods:
            rules += [("raw threshold", a, by_score(raw_threshold, a, place_m)) for a in RAW_AMOUNTS]
        rules += [("periodic", share, periodically(share)) for share in BUDGETS]
        rules += [("random", share, at_random(share, seed)) for share in BUDGETS]
        for name, setting, rule in rules:
            run = render(trace, rule)
            bytes_saved = 1 - run.sent_bytes.sum() / best.sent_bytes.sum()
            loss = 1 - run.fidelity / best.fidelity, 1 - run.sinr_fidelity.mean() / best.sinr_fidelity.mean()
            rows.append((seed, name, setting, run.updates_saved, bytes_saved, *loss))
    columns = ["seed", "method", "setting", "updates_saved", "bytes_saved", "fidelity_loss", "sinr_loss"]
    return pd.DataFrame(rows, columns=columns).sort_values(["seed", "method", "updates_saved"], ignore_index=True)


def saved_at_loss(table: pd.DataFrame, loss: float = 0.05, column: str = "updates_saved") -> pd.DataFrame:
    """What each method saves where its loss of fidelity is `loss`, linearly between the settings tried.

    Parameters
    ----------
    table : DataFrame
        From `saving_study`.
    loss : float
        Loss of fidelity against updating always, 0 to 1.
    column : str
        ``"updates_saved"`` or ``"bytes_saved"``.

    Returns
    -------
    DataFrame
        Rows seeds, columns methods; NaN where no two settings lie around the loss.
    """
    inner_share("loss", loss)

    def at(curve: pd.DataFrame) -> float:
        curve = curve.sort_values("fidelity_loss")
        return float(np.interp(loss, curve["fidelity_loss"], curve[column], left=np.nan, right=np.nan))

    return pd.DataFrame(
        {name: part.groupby("seed")[["fidelity_loss", column]].apply(at) for name, part in table.groupby("method")}
    )
