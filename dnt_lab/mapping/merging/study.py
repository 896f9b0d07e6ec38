"""Studies: what selection, fusion and fresh measurements bring, at one hour and over time.

>>> scenario = draw_scenario(seed=0)
>>> compare(scenario, now_h=15.0)  # a row a way of merging: RMSE, log score, coverage, bytes
>>> over_time(scenario, range(4, 16))  # RMSE of some of them by hour
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd
from scipy.stats import norm

from dnt_lab.mapping.merging.belief import Belief
from dnt_lab.mapping.merging.coalition import choose, members, shapley
from dnt_lab.mapping.merging.gathered import Gathered, gather
from dnt_lab.mapping.merging.scenario import MergingScenario
from dnt_lab.mapping.merging.traced import Traced

LEVELS = (0.5, 0.8, 0.9, 0.95)


def score(belief: Belief, truth_db) -> dict[str, float]:
    """Return how well a belief fits the truth.

    Parameters
    ----------
    belief : Belief
        About P positions.
    truth_db : array_like, shape (P,)
        True path gains in dB.

    Returns
    -------
    dict
        ``rmse_db``; ``log_score``, the mean log density of the truth in nats, higher is better; ``coverage_50`` to
        ``coverage_95``, the share of truths in the central interval of that probability.

    Examples
    --------
    >>> score(Belief([-100.0, -90.0], [2.0, 2.0]), [-101.0, -97.0])["rmse_db"]
    5.0
    """
    error = (np.asarray(truth_db, float) - belief.mean_db) / belief.std_db
    row = {"rmse_db": np.sqrt(((error * belief.std_db) ** 2).mean())}
    row["log_score"] = (norm.logpdf(error) - np.log(belief.std_db)).mean()
    row |= {f"coverage_{100 * p:.0f}": (np.abs(error) < norm.ppf((1 + p) / 2)).mean() for p in LEVELS}
    return {name: float(value) for name, value in row.items()}


def compare(scenario: MergingScenario, now_h: float) -> pd.DataFrame:
    """Hold all ways of merging against the truth at one hour.

    Returns
    -------
    DataFrame, index ``way``
        Columns as in `score`, ``kbytes`` handed over (twins and reports), and ``uses``: what a way has seen, "twins",
        "reports" or "samples" (each also what stands before it). Rows: each twin, corrected by the reports;
        averages and fusions of all; what selection changes; and both corrected by reports or by all measurements.
    """
    held, truth_db = gather(scenario, now_h), scenario.truth(now_h).gain_db
    everyone, rows = np.ones(len(held.twins), bool), {}
    kbytes = np.array([twin.n_bytes for twin in held.twins]) / 1000
    reports, everything = held.reports, held.reports + held.samples

    def put(way, belief, taken, uses="reports"):
        extra = held.reports.n_bytes / 1000 if uses != "twins" else 0.0
        # with its samples the channel-knowledge twin is handed over, though none of these ways asks for its belief
        extra += held.samples.n_bytes / 1000 if uses == "samples" else 0.0
        rows[way] = score(belief, truth_db) | {"kbytes": float(kbytes @ taken) + extra, "uses": uses}

    alone = dict(zip(held.names, np.eye(len(everyone), dtype=bool), strict=True))
    for name, taken in alone.items():
        put(name, held.fused(taken), taken)
    put("average of all", held.averaged(), everyone, "twins")
    put("all as claimed", held.claimed(), everyone, "twins")
    put("all calibrated", held.fused(), everyone)
    claimed, calibrated = held.values("claimed"), held.values("calibrated")
    put("best as claimed", held.claimed(_somebody(claimed, "best")), _somebody(claimed, "best"))
    for name, rule in (("best", "best"), ("positive", "shapley"), ("greedy", "greedy"), ("single", "single")):
        taken = _somebody(calibrated, rule)
        put(f"{name} calibrated", held.fused(taken), taken)
    tried = [(held.fused(taken), taken) for taken in members(len(everyone))[1:]]
    found = pd.DataFrame([score(belief, truth_db) | {"kbytes": kbytes @ taken} for belief, taken in tried])
    found["kbytes"] += reports.n_bytes / 1000
    rows["random calibrated"] = found.mean().to_dict() | {"uses": "reports"}
    rows["hindsight calibrated"] = found.loc[found.rmse_db.idxmin()].to_dict() | {"uses": "truth"}
    put("single + reports", held.fresh(choose(calibrated, "single"), reports), choose(calibrated, "single"))
    put("all + reports", held.fresh(everyone, reports), everyone)
    put("kriging alone", held.fresh(alone["statistical"], everything), alone["statistical"], "samples")
    put("radio map + samples", held.fresh(alone["radio map"], everything), alone["radio map"], "samples")
    put("other band + samples", held.fresh(alone["other band"], everything), alone["other band"], "samples")
    put("maps + samples", held.merged(), ~alone["channel knowledge"], "samples")
    return pd.DataFrame(rows).T.rename_axis("way").infer_objects()


def _somebody(values: np.ndarray, rule: str) -> np.ndarray:
    """Whom to take, the best one alone if the rule takes nobody."""
    taken = choose(values, rule)
    return taken if taken.any() else choose(values, "single")


def over_time(scenario: MergingScenario, hours: Iterable[float]) -> pd.DataFrame:
    """RMSE and coalition values by hour.

    Returns
    -------
    DataFrame, index ``hour``, columns (what, name)
        ``"rmse_db"`` of each twin (corrected by the reports), of the plain average, of all calibrated and of the merged
        twin; ``"shaded_db"``, the same where the new house hides the base station (from the first hour on); and
        ``"shapley"``, each twin's value in nats.
    """
    rows = {}
    for now_h in hours:
        held, truth_db = gather(scenario, now_h), scenario.truth(now_h).gain_db
        beliefs = dict(zip(held.names, (held.fused(mask) for mask in np.eye(len(held.twins), dtype=bool)), strict=True))
        beliefs |= {"average": held.averaged(), "all calibrated": held.fused(), "merged": held.merged()}
        shaded = scenario.place.loses_sight
        row = {("rmse_db", name): score(belief, truth_db)["rmse_db"] for name, belief in beliefs.items()}
        row |= {("shaded_db", name): score(b[shaded], truth_db[shaded])["rmse_db"] for name, b in beliefs.items()}
        row |= {("shapley", name): value for name, value in zip(held.names, shapley(held.values()), strict=True)}
        rows[now_h] = row
    return pd.DataFrame(rows).T.rename_axis("hour")


def compare_sight(held: Gathered, truth: Traced) -> pd.DataFrame:
    """Hold lines of sight and directions of departure against the truth.

    Parameters
    ----------
    held : Gathered
        Beliefs at one hour.
    truth : Traced
        Of that hour, at the same positions.

    Returns
    -------
    DataFrame, index ``way``
        Each twin and all fused: ``los_wrong``, the share of positions on the wrong side of 1/2; ``los_brier``, the mean
        squared error of the probability; ``departure_deg``, the median error of the direction where a path exists;
        ``within_10_deg``, the share of directions that a beam of 20 degrees would hit.
    """
    rows = {}
    for way, belief in [*zip(held.names, held.here, strict=True), ("all calibrated", held.fused())]:
        turn_deg = np.rad2deg(np.arctan2(belief.departure[:, 1], belief.departure[:, 0]))
        error_deg = np.abs((turn_deg - truth.turn_deg + 180) % 360 - 180)[np.isfinite(truth.turn_deg)]
        rows[way] = {
            "los_wrong": ((belief.los > 0.5) != truth.los).mean(),
            "los_brier": ((belief.los - truth.los) ** 2).mean(),
            "departure_deg": np.median(error_deg),
            "within_10_deg": (error_deg < 10).mean(),
        }
    return pd.DataFrame(rows).T.rename_axis("way")
