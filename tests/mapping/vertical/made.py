"""Things made by hand for the tests of vertical mapping: rasters, regions, predictions, truths. Nothing is traced."""

import numpy as np
import shapely

from dnt_lab.datasets import CityMap
from dnt_lab.mapping.vertical import LinkAttributes, Prediction, Raster, Region, rasterise
from dnt_lab.raytracing import Box, Scenario, Scene


def houses(*blocks, material="concrete"):
    """Return a map of upright blocks (xmin, ymin, xmax, ymax, height)."""
    outlines = np.array([shapely.box(*block[:4]) for block in blocks], object)
    height_m = np.array([block[4] for block in blocks], float)
    return CityMap("blocks", outlines, height_m, np.zeros(len(blocks)), np.full(len(blocks), material, "U32"))


def flat_raster(height_m, cell_m=1.0, corner_m=(0.0, 0.0), **more):
    """Return a raster of given heights; what stands reflects half."""
    height_m = np.asarray(height_m, float)
    return Raster(np.array(corner_m, float), cell_m, height_m, 0.5 * (height_m > 0), **more)


def region(things, bs_m, track_m, bounds_m=(0.0, 0.0, 40.0, 30.0), freq_hz=28e9, kind="street", **more):
    """Return a region over a map of blocks, with tracks that are reported without error."""
    boxes = [
        Box("obstacle", (x0 + x1) / 2, (y0 + y1) / 2, x1 - x0, y1 - y0, h, 0.0, "concrete")
        for (x0, y0, x1, y1), h in zip((f.bounds for f in things.footprints), things.height_m, strict=True)
    ]
    scene = Scene.box([-50.0, -50.0, -0.2], [90.0, 80.0, -0.1], "concrete", name="ground")
    for number, box in enumerate(boxes):
        scene = scene + box.scene(f"box-{number}")
    bs_m, track_m = np.array([bs_m], float), np.asarray(track_m, float)
    scenario = Scenario(0, scene, bs_m, track_m.reshape(-1, 3), ("concrete",), tuple(boxes), freq_hz, 1e8, 16, True)
    return Region("made", kind, scenario, rasterise(things, freq_hz, bounds_m, 0.5, **more), track_m, track_m)


def prediction(n, seed=0, **fixed):
    """Return random beliefs about n links; keywords take the place of drawn arrays."""
    rng = np.random.default_rng(seed)
    parts = {
        "state_gain_db": rng.normal(-90, 15, (n, 2)),
        "state_std_db": rng.uniform(0.5, 8, (n, 2)),
        "p_los": rng.uniform(0, 1, n),
        "p_path": rng.uniform(0, 1, n),
        "delay_spread_s": rng.exponential(1e-8, n),
        "p_beam": rng.dirichlet(np.ones(16), n),
    }
    return Prediction(**parts | fixed)


def measured(gain_db, los=None, path=None, seed=0):
    """Return the truth of links with given gains: in line of sight and with a path unless told otherwise."""
    gain_db = np.array(gain_db, float)
    path = np.ones(len(gain_db), bool) if path is None else np.asarray(path, bool)
    los = path if los is None else np.asarray(los, bool)
    rng = np.random.default_rng(seed)
    nothing = np.where(path, 0.0, np.nan)
    spread_s, below_db = rng.exponential(1e-8, len(path)), rng.uniform(0, 30, (len(path), 16))
    return LinkAttributes(gain_db + nothing, spread_s + nothing, los, path, (gain_db + nothing)[:, None] - below_db)


def drawn_gains_db(belief, seed):
    """Draw a gain of each link from its mixture of two Gaussians."""
    rng = np.random.default_rng(seed)
    state = (rng.uniform(size=len(belief)) >= belief.p_los).astype(int)
    rows = np.arange(len(belief))
    return belief.state_gain_db[rows, state] + belief.state_std_db[rows, state] * rng.normal(size=len(belief))
