"""Mean over seeds with its interval at 95 % (Student's t), as a row of a table."""

from __future__ import annotations

import numpy as np

from dnt_lab.cases import traffic


def interval(values) -> dict[str, float]:
    """Return ``mean``, ``low`` and ``high`` over seeds."""
    return dict(zip(("mean", "low", "high"), traffic.interval(values), strict=True))


def interval_of_ratios(ratios) -> dict[str, float]:
    """Return the geometric mean ``ratio`` over ``seeds``, its ``low`` and ``high``, and the ``largest`` ratio."""
    mid, low, high = np.exp(traffic.interval(np.log(np.asarray(ratios, float))))
    return {"ratio": mid, "low": low, "high": high, "largest": float(np.max(ratios)), "seeds": len(ratios)}
