"""The feedback loop's learning curve: how wrong a calibrated model is where nobody measured, by number of measurements.

>>> import numpy as np
>>> from dnt_lab.raytracing.tunable import OFFSET, LogDistance
>>> model = LogDistance(np.arange(5.0, 50.0), freq_hz=60.48e9)
>>> free_space = LogDistance(np.arange(5.0, 50.0), freq_hz=60.48e9, parameters=(OFFSET,))
>>> measured_db = model.predict_db({"offset_db": 30.0, "exponent": 2.5})
>>> curve = learning_curve({"free space": free_space, "calibrated": model}, measured_db, [2, 12], seeds=range(3))
>>> curve.pivot_table("rmse_db", index="n", columns="model").round(1).loc[12]
model
calibrated    0.0
free space    1.3
Name: 12, dtype: float64
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from dnt_lab.datasets._checks import generator, whole
from dnt_lab.raytracing.calibration import Model, calibrate


def learning_curve(
    models: Mapping[str, Model],
    measured_db,
    counts: Sequence[int],
    *,
    seeds: Sequence[int] = range(10),
    groups=None,
    noise_db: float = 3.0,
) -> pd.DataFrame:
    """Calibrate models with more and more measurements; look at their error at held-out positions.

    Each seed draws an order of the measurements. The first n calibrate, for each n of `counts`; whatever the largest n
    leaves is held out, the same for every n and every model. Positions where a model lets nothing arrive do not count.

    Parameters
    ----------
    models : dict of Model
        What to compare, by name; all predict the same N positions. A baseline is a model with fewer parameters.
    measured_db : array_like, shape (N,)
        Measurements in dB; NaN where there is none.
    counts : sequence of int
        Numbers of measurements, 1 or more. 0 is added: the model as believed, before any measurement.
    seeds : sequence of int
        One draw each.
    groups : array_like, shape (N,), optional
        Such as the run a reading belongs to. Half of the groups (rounded up) then calibrate and the others are held
        out: neighbours on one walk share their errors, and would make the held-out error too small.
    noise_db : float
        As in `calibrate`.

    Returns
    -------
    DataFrame, a row a model, seed and number of measurements
        ``model``, ``seed``, ``n``; ``rmse_db`` and ``median_db``, root mean square and median of the absolute error at
        the held-out positions; ``noise_db`` as estimated, NaN for n = 0.

    Raises
    ------
    ValueError
        If there is no model, a count is not positive or leaves no held-out position, or shapes differ.
    """
    measured_db = np.asarray(measured_db, float)
    counts = sorted({whole("A number in counts", n, 1) for n in counts})
    if not models or not counts:
        raise ValueError(f"{len(models)} models and {len(counts)} counts are given, but one of each is needed")
    if groups is not None and np.shape(groups) != measured_db.shape:
        raise ValueError(f"groups has shape {np.shape(groups)}, but one a position is needed: {measured_db.shape}")
    believed_db = {name: m.predict_db({p.name: p.start for p in m.parameters}) for name, m in models.items()}
    if any(predicted_db.shape != measured_db.shape for predicted_db in believed_db.values()):
        raise ValueError(f"measured_db has shape {measured_db.shape}, but a model predicts another number of positions")
    usable = np.isfinite([measured_db, *believed_db.values()]).all(axis=0)
    table = []
    for seed in seeds:
        chosen, held_out = _split(usable, counts[-1], groups, generator(seed))
        for name, model in models.items():
            for n in (0, *counts):
                after = calibrate(model, measured_db, chosen[:n], noise_db=noise_db) if n else None
                predicted_db = after.predicted_db if after else believed_db[name]
                error_db = np.abs(predicted_db - measured_db)[held_out]
                table.append(
                    {
                        "model": name,
                        "seed": seed,
                        "n": n,
                        "rmse_db": np.sqrt(np.mean(error_db**2)),
                        "median_db": np.median(error_db),
                        "noise_db": after.noise_db if after else np.nan,
                    }
                )
    return pd.DataFrame(table)


def _split(usable, most: int, groups, rng) -> tuple[np.ndarray, np.ndarray]:
    """Rows to calibrate with, in the order they come in, and rows held out."""
    order = rng.permutation(np.flatnonzero(usable))
    if groups is None:
        chosen, held_out = order[:most], order[most:]
    else:
        group = np.asarray(groups)[order]
        names = rng.permutation(np.unique(group))
        mine = np.isin(group, names[: (len(names) + 1) // 2])
        chosen, held_out = order[mine][:most], order[~mine]
    if len(chosen) < most or not len(held_out):
        raise ValueError(
            f"of {len(order)} measurements {len(chosen)} may calibrate and {len(held_out)} are held out, but {most} "
            "must calibrate and 1 or more be held out"
        )
    return chosen, held_out
