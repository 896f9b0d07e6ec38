"""The synthetic city held against the facts of Milan, one row per statistic with its tolerance.

A fact about the whole city is compared with the whole city. A fact about the 25 known cells is compared with the
*median* of 100 blocks of 5 x 5 cells over the city, and its *rank* among them says whether the real cells would be
an ordinary block there: a rank of 0.5 is the middle, 0 or 1 is unlike any.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dnt_lab.datasets.calibration import block_statistics, correlation_by_distance, mean_week
from dnt_lab.datasets.milan import milan_facts, weekly_profile
from dnt_lab.datasets.traffic import GRID_SIDE, SERVICES, Traffic, cell_id

if TYPE_CHECKING:
    import pandas as pd

BLOCK_SIDE, BLOCK_STEP = 5, 10
# How far the city (or its median block) may lie from the fact, in the fact's own unit. One city is one draw of a
# field with few independent parts, so far distances get the wider bands.
_CITY_BANDS = {
    "ln mean: mu": 0.05,
    "ln mean: sigma": 0.03,
    "ln mean: Kolmogorov distance to the normal": 0.025,
    "Moran's I of ln mean": 0.04,
    "correlation of ln mean, 3 cells apart": 0.08,
    "correlation of ln mean, 10 cells apart": 0.15,
    "correlation of ln mean, 30 cells apart": 0.2,
    "weekly profile: largest difference": 0.1,
    "weekly profile: mean difference": 0.03,
    "SMS / internet, city mean": 0.003,
    "call / internet, city mean": 0.003,
    "night / peak, internet": 0.05,
    "night / peak, sms": 0.008,
    "night / peak, call": 0.003,
    "correlation sms - call": 0.06,
    "correlation sms - internet": 0.06,
    "correlation call - internet": 0.07,
}
# The real test week was a calm one: its persistence error, .257, lies under 2 (1 - acf) = .298, which a stationary
# generator with the right autocorrelation gives on average. The bands of the forecasts make room for that.
_BLOCK_BANDS = {
    "acf_1h": 0.04,
    "acf_24h": 0.06,
    "acf_168h": 0.06,
    "residual_cv_median": 0.02,
    "residual_std": 0.05,
    "residual_acf_1h": 0.05,
    "residual_acf_24h": 0.07,
    "residual_corr_between_cells": 0.06,
    "residual_excess_kurtosis": 4.0,
    "share_over_1.5": 0.015,
    "share_over_2": 0.01,
    "share_over_3": 0.003,
    "share_under_0.5": 0.006,
    "last_hour_mse": 0.1,
    "last_hour_mae": 0.05,
    "yesterday_mse": 0.25,
    "yesterday_mae": 0.08,
    "last_week_mse": 0.33,
    "last_week_mae": 0.13,
}


def calibration_table(traffic: Traffic) -> pd.DataFrame:
    """Measure a whole synthetic (or real) city against the facts of Milan.

    Parameters
    ----------
    traffic : Traffic
        All 100 x 100 cells, the three services, at least 30 days, nothing missing (see `Traffic.filled`).

    Returns
    -------
    pandas.DataFrame
        Index: the statistic. Columns: ``milan``, ``here``, ``tolerance``, ``holds``, and for block statistics
        ``rank``, the share of blocks below Milan's value (NaN for city statistics).

    Raises
    ------
    ValueError
        If the traffic is not a whole city of 30 days.
    """
    import pandas as pd

    if len(traffic.cell_ids) != GRID_SIDE**2 or set(traffic.services) != set(SERVICES) or traffic.n_hours < 720:
        raise ValueError(f"The calibration table needs 100 x 100 cells, three services and 30 days, but got {traffic}.")
    rows = {name: (fact, here, _CITY_BANDS[name], np.nan) for name, (fact, here) in _city_statistics(traffic).items()}
    facts = block_facts()
    blocks = pd.DataFrame([block_statistics(traffic.select(ids)) for ids in _blocks()])
    for name, band in _BLOCK_BANDS.items():
        rows[name] = (facts[name], blocks[name].median(), band, (blocks[name] < facts[name]).mean())
    table = pd.DataFrame.from_dict(rows, orient="index", columns=["milan", "here", "tolerance", "rank"])
    table.insert(3, "holds", (table["here"] - table["milan"]).abs() <= table["tolerance"])
    return table.rename_axis("statistic")


def block_facts() -> dict[str, float]:
    """Return the facts of the 25 known cells under the names of `block_statistics`."""
    facts = milan_facts()
    residual, events, errors = facts["block_residual"], facts["block_events"], facts["block_baselines"]
    found = {f"acf_{lag}h": facts["block_acf"][str(lag)]["mean"] for lag in (1, 24, 168)}
    found |= {
        "residual_cv_median": residual["cv_median"],
        "residual_std": residual["std"],
        "residual_acf_1h": residual["acf1"],
        "residual_acf_24h": residual["acf24"],
        "residual_corr_between_cells": residual["corr_between_cells"],
        "residual_excess_kurtosis": residual["excess_kurtosis"],
    }
    found |= {f"share_over_{level}": events[f"over_{level}"] for level in ("1.5", "2", "3")}
    found["share_under_0.5"] = events["under_0.5"]
    for name, key in (("last_hour", "persistence_1h"), ("yesterday", "daily_24h"), ("last_week", "weekly_168h")):
        found |= {f"{name}_mse": errors[key]["mse_z"], f"{name}_mae": errors[key]["mae_z"]}
    return found


def _blocks() -> list[np.ndarray]:
    corners = [(r, c) for r in range(0, GRID_SIDE, BLOCK_STEP) for c in range(0, GRID_SIDE, BLOCK_STEP)]
    side = np.arange(BLOCK_SIDE)
    return [cell_id(r + side[:, None], c + side[None, :]).ravel() for r, c in corners]


def _city_statistics(traffic: Traffic) -> dict[str, tuple[float, float]]:
    from scipy.stats import kstest

    facts = milan_facts()
    means = {name: traffic.service(name).mean(axis=0, dtype=float) for name in SERVICES}
    log_mean = np.log(means["internet"])
    lognormal, spatial, services = facts["cell_mean_internet_per_hour"], facts["spatial"], facts["services"]
    distance = kstest((log_mean - log_mean.mean()) / log_mean.std(), "norm").statistic
    found = {
        "ln mean: mu": (lognormal["mu_ln"], log_mean.mean()),
        "ln mean: sigma": (lognormal["sigma_ln"], log_mean.std()),
        "ln mean: Kolmogorov distance to the normal": (lognormal["ks_lognormal"], distance),
    }
    grid = traffic.on_grid(log_mean)
    found["Moran's I of ln mean"] = (spatial["moran_i"], correlation_by_distance(grid, 1))
    for d in (3, 10, 30):
        fact = spatial["corr_vs_distance_cells"][str(d)]
        found[f"correlation of ln mean, {d} cells apart"] = (fact, correlation_by_distance(grid, d))
    profiles = {name: mean_week(traffic.service(name), traffic.start) for name in SERVICES}
    gap = np.abs(profiles["internet"] - weekly_profile("internet"))
    found["weekly profile: largest difference"] = (0.0, gap.max())
    found["weekly profile: mean difference"] = (0.0, gap.mean())
    city = services["mean_per_cell_hour"]
    for name, title in (("sms", "SMS"), ("call", "call")):
        here = means[name].mean() / means["internet"].mean()
        found[f"{title} / internet, city mean"] = (city[name] / city["internet"], here)
    for name in ("internet", "sms", "call"):
        weekend = profiles[name][120:]
        found[f"night / peak, {name}"] = (services["night_peak_ratio"][name], weekend.min() / weekend.max())
    middle = float(np.mean(services["correlation_min_max"]))
    for a, b in (("sms", "call"), ("sms", "internet"), ("call", "internet")):
        found[f"correlation {a} - {b}"] = (middle, _median_correlation(traffic.service(a), traffic.service(b)))
    return found


def _median_correlation(a: np.ndarray, b: np.ndarray) -> float:
    """Return the median over cells of the hourly correlation of two services."""
    a, b = a - a.mean(axis=0), b - b.mean(axis=0)
    return float(np.median((a * b).mean(axis=0) / (a.std(axis=0) * b.std(axis=0))))
