"""Assimilation: a belief is corrected where, and as long as, fresh measurements contradict it.

The deviation of the truth from a belief hangs together in space and time. Kriged from the deviations that were seen,
it moves the mean and, near fresh samples, makes the belief surer. Far from all samples, or long after them, the belief
stays what it was, but for a constant part and the size of its claim, both of which the samples correct.

>>> fused = fuse(beliefs, errors)
>>> fresh = assimilate(fused, where_m, fuse(beliefs_at_samples, errors), samples, now_h)
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from dnt_lab.mapping.merging.belief import Belief, Samples
from dnt_lab.mapping.merging.kriging import fit_field, krige


def assimilate(belief: Belief, where_m, believed: Belief, samples: Samples, now_h: float) -> Belief:
    """Return the belief after the measurements.

    Parameters
    ----------
    belief : Belief
        About the P positions `where_m`.
    where_m : array_like, shape (P, 2)
        In metres.
    believed : Belief
        The same twin's belief about the positions of the samples, 3 or more.
    samples : Samples
        Taken at `now_h` or before.
    now_h : float
        Time of the belief in hours.

    Returns
    -------
    Belief
        Line of sight and direction are left as they are.

    Raises
    ------
    ValueError
        If a sample is from later than now, there are fewer than three, or lengths differ.
    """
    if (samples.time_h > now_h).any():
        raise ValueError(f"a sample is from hour {samples.time_h.max():g}, but now is hour {now_h:g}: leave it out")
    if len(believed) != len(samples) or np.shape(where_m) != (len(belief), 2):
        raise ValueError(
            f"believed holds {len(believed)} positions and where_m has shape {np.shape(where_m)}, but {len(samples)}, "
            f"one a sample, and {(len(belief), 2)} are needed"
        )
    seen = (samples.xy_m, samples.time_h, samples.gain_db - believed.mean_db, samples.noise_db, believed.std_db)
    mean_db, std_db = krige(fit_field(*seen), *seen, where_m, now_h, belief.std_db)
    return replace(belief, mean_db=belief.mean_db + mean_db, std_db=np.maximum(std_db, 1e-6))
