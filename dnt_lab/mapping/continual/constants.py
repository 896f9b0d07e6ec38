"""What a learned twin has to beat: two running means a BS, of what is off with and without a line of sight.

>>> plain = running_constants(world)  # of the loss over free space
>>> corrected = running_constants(world, base_db=frozen(world).predicted_db)  # over that of a twin
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from dnt_lab.datasets._checks import whole
from dnt_lab.mapping.continual.twins import Run
from dnt_lab.mapping.continual.world import HOURS_S, World
from dnt_lab.mapping.vertical.views import SCALARS


def running_constants(world: World, newest: int = 16, base_db: np.ndarray | float = 0.0) -> Run:
    """Predict a base plus the mean of what a BS's newest reports of the same kind were above it.

    The kind is whether the raster leaves a line of sight. A kind that was not reported takes the mean of the other; a
    BS without reports predicts the base.

    Parameters
    ----------
    world : World
        Whose reports are averaged, each BS's by itself.
    newest : int
        How many, 1 or more.
    base_db : array_like, shape (), (K, R) or (37, K, R)
        Loss over that of free space that is predicted without any report, such as a run's: what that says *now* is
        held against all reports that count. 0 is free space.

    Returns
    -------
    Run
        Without bytes: the constants send nothing, and what the base has cost is not known here.

    Raises
    ------
    ValueError, TypeError
        If `newest` is not a whole number above 0, or `base_db` does not fit the campus.
    """
    newest, campus = whole("newest", newest, 1), world.campus
    shape = (len(HOURS_S), *campus.before_db.shape)
    if np.shape(base_db) not in ((), shape[1:], shape):
        raise ValueError(f"base_db has shape {np.shape(base_db)}, but must be one number, {shape[1:]} or {shape}.")
    predicted_db = np.array(np.broadcast_to(base_db, shape), float)
    clear = campus.inputs[..., SCALARS.index("direct_clearance")] <= 0
    for k in range(len(campus)):
        link, loss_db = world.measured.link[k], world.measured.excess_db[k]
        of_clear = clear[k, link]
        for of_room, time_s in zip(predicted_db[:, k], HOURS_S, strict=True):
            which = world.measured.newest(k, time_s, newest)
            off_db = loss_db[which] - of_room[link[which]]
            for kind in (False, True) if len(which) else ():
                same = of_clear[which] == kind
                of_room[clear[k] == kind] += off_db[same if same.any() else slice(None)].mean()
    return Run(predicted_db, pd.DataFrame(), cloud_bytes=0, edge_bytes=0)
