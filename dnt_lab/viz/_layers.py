"""What map layers share: which lies above which, and colour bars."""

import matplotlib as mpl
import numpy as np

LAYER = {"radio": 0.5, "city": 1.0, "links": 2.0, "cells": 3.0, "users": 4.0, "labels": 5.0}


def color_bar(ax, values, label: str, clim, cmap):
    """Return the mapping of values to colours and its colour bar; NaN has no colour."""
    low, high = (np.nanmin(values), np.nanmax(values)) if clim is None and np.isfinite(values).any() else clim or (0, 1)
    if not low <= high:
        raise ValueError(f"clim {clim} is reversed; it must be (low, high).")
    mapping = mpl.cm.ScalarMappable(mpl.colors.Normalize(low, high), cmap)
    below, above = bool(np.nanmin(values, initial=low) < low), bool(np.nanmax(values, initial=high) > high)
    extend = {(False, False): "neither", (True, False): "min", (False, True): "max", (True, True): "both"}[below, above]
    return mapping, ax.figure.colorbar(mapping, ax=ax, label=label, shrink=0.75, pad=0.02, extend=extend, aspect=25)
