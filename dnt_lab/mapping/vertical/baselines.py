"""What a learned twin has to beat: formulas, the most alike link ever seen, and two numbers a kind of place.

All get what the twin gets, the reported positions and the raster; none sees the truth.

====================  =============================================================================================
``free_space``        free-space loss
``tr_38_901``         TR 38.901 (UMi or indoor hotspot) with the line of sight read off the raster
``nearest``           gain over free space of the most alike training link: distance, heights, carrier, clearances
``two_constants``     mean excess loss of the training links: in streets and in rooms one number each with line of
                      sight, as read off the raster, and one without it
====================  =============================================================================================
"""

from __future__ import annotations

import numpy as np
from scipy.spatial import cKDTree

from dnt_lab.mapping.vertical.task import TARGETS, MappingTask
from dnt_lab.mapping.vertical.views import SCALARS
from dnt_lab.physical import pathloss

TO_BEAT = ("free_space", "tr_38_901", "nearest")
"""What the twin's target is set against; `two_constants` learns from the training links too, and is harder to beat."""
_HIGHEST_38901_HZ = 100e9
_SCALE = np.array([2.0, 1.0, 1.0, 1.0, 5.0, 0.3])  # of the scalars, when links are compared


def baseline_gains_db(train: MappingTask, test: MappingTask) -> dict[str, np.ndarray]:
    """Predict the gains of all links of `test`.

    Parameters
    ----------
    train, test : MappingTask
        What was seen, and what is asked.

    Returns
    -------
    dict of str to ndarray, shape (R,)
        Gain in dB of each link of each test region, one region after the other.
    """
    free_space_db = np.concatenate([region.free_space_db() for region in test.regions])
    seen, asked = _scalars(train), _scalars(test)
    target = np.concatenate([train.targets(k).reshape(-1, len(TARGETS)) for k in range(len(train))])
    heard = target[:, TARGETS.index("path")] > 0
    excess_db = target[heard, TARGETS.index("excess_db")]
    nearest = cKDTree(seen[heard] * _SCALE).query(asked * _SCALE)[1]
    clear, asked_clear = _kind(seen[heard]), _kind(asked)
    means_db = np.array([excess_db[clear == s].mean() if (clear == s).any() else excess_db.mean() for s in range(4)])
    return {
        "free_space": -free_space_db,
        "tr_38_901": -np.concatenate([_standard_db(test, k) for k in range(len(test))]),
        "nearest": -free_space_db - excess_db[nearest],
        "two_constants": -free_space_db - means_db[asked_clear],
    }


def _scalars(task: MappingTask) -> np.ndarray:
    return np.concatenate([task.scalars(k) for k in range(len(task))])


def _clear(scalars: np.ndarray) -> np.ndarray:
    return scalars[:, SCALARS.index("direct_clearance")] <= 0


def _kind(scalars: np.ndarray) -> np.ndarray:
    """0 or 1 without and with line of sight outdoors, 2 or 3 in rooms: two numbers for each environment."""
    return _clear(scalars) + 2 * (scalars[:, SCALARS.index("ceiling")] > 0)


def _standard_db(task: MappingTask, k: int) -> np.ndarray:
    """TR 38.901's loss; above 100 GHz, where it ends, what it says at 100 GHz and the rest of free space."""
    region = task.regions[k]
    user_m = region.reported_m.reshape(-1, 3)
    ground_m = np.hypot(*(user_m - region.bs_m)[:, :2].T)
    formula = {"street": pathloss.umi_db, "room": pathloss.inh_db}[region.kind]
    freq_hz = min(region.freq_hz, _HIGHEST_38901_HZ)
    loss_db = formula(ground_m, freq_hz, _clear(task.scalars(k)), region.bs_m[2], user_m[:, 2])
    return loss_db + 20 * np.log10(region.freq_hz / freq_hz)
