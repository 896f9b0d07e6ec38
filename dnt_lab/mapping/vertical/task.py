"""The learning task: from the essentials and a user's reported track to the attributes of its link, step by step.

A sample is a track of T steps. Its input holds, for each step, the view and the scalars of `views`; its target what a
tracer finds there. Gain is learned as *excess loss* over free space at the reported distance, so a model that knows
nothing is free space itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from dnt_lab.mapping.vertical.attributes import LinkAttributes, direct_azimuth_deg, turned
from dnt_lab.mapping.vertical.regions import Region
from dnt_lab.mapping.vertical.views import SCALARS, SHAPE, link_scalars, link_views

N_FEATURES = int(np.prod(SHAPE)) + len(SCALARS)
"""Numbers that describe a step."""
TARGETS = ("excess_db", "los", "path", "log_spread", "turned")
SPREAD_FLOOR_S = 1e-10
"""Delay spreads are learned as log10 of themselves plus this, in nanoseconds: one path alone has none."""


@dataclass(frozen=True, eq=False)
class MappingTask:
    """Regions and what is known and true of their links.

    Attributes
    ----------
    regions : list of Region
        K regions: K clients.
    inputs : list of ndarray, shape (N, T, F)
        Of each region: view and scalars of each step.
    truth : list of LinkAttributes
        Of each region: N T links, one track after the other.
    """

    regions: list[Region]
    inputs: list[np.ndarray]
    truth: list[LinkAttributes]

    def __repr__(self) -> str:
        kinds = [region.kind for region in self.regions]
        return f"MappingTask({kinds.count('street')} streets, {kinds.count('room')} rooms, {self.n_links:,} links)"

    @property
    def n_links(self) -> int:
        """Links of all regions."""
        return sum(map(len, self.truth))

    def scalars(self, k: int) -> np.ndarray:
        """Scalars of the links of region k, shape (N T, 6), as `link_scalars` gives them."""
        return self.inputs[k].reshape(-1, N_FEATURES)[:, -len(SCALARS) :]

    def targets(self, k: int) -> np.ndarray:
        """Return `TARGETS` of region k, shape (N, T, 5); 0 where a link without a path has none."""
        region, truth = self.regions[k], self.truth[k]
        direct_deg = direct_azimuth_deg(region.bs_m, region.reported_m.reshape(-1, 3))
        columns = (
            -truth.gain_db - region.free_space_db(),
            truth.los,
            truth.path,
            np.log10((truth.delay_spread_s + SPREAD_FLOOR_S) / 1e-9),
            turned(truth.best_beam, direct_deg),
        )
        rows = np.where(truth.path[:, None], np.stack(columns, axis=1), 0.0)
        return rows.reshape(*region.track_m.shape[:2], len(TARGETS)).astype(np.float32)

    def __getitem__(self, which) -> MappingTask:
        """Return some regions (numbers, mask or slice)."""
        numbers = np.atleast_1d(np.arange(len(self.regions))[which])
        return MappingTask(*([part[k] for k in numbers] for part in (self.regions, self.inputs, self.truth)))

    def __len__(self) -> int:
        return len(self.regions)

    def tracks(self, which: slice) -> MappingTask:
        """Return the task with some of each region's tracks."""
        regions = [replace(r, track_m=r.track_m[which], reported_m=r.reported_m[which]) for r in self.regions]
        truth = []
        for region, true in zip(self.regions, self.truth, strict=True):
            links = np.arange(len(true)).reshape(region.track_m.shape[:2])[which].ravel()
            truth.append(true[links])
        return MappingTask(regions, [x[which] for x in self.inputs], truth)


def mapping_task(regions: Sequence[Region], max_order: int = 2) -> MappingTask:
    """Trace the tracks of regions, and look at them through their rasters.

    Raises
    ------
    ValueError
        If there is no region, or tracks differ in their number of steps.
    """
    if not regions:
        raise ValueError("there is no region, but a task needs one at least.")
    if len({region.track_m.shape[1] for region in regions}) > 1:
        raise ValueError("tracks differ in length, but a model takes one number of steps: build all regions alike.")
    truth = [LinkAttributes.of(region.trace(max_order=max_order)) for region in regions]
    return MappingTask(list(regions), [link_inputs(region, region.reported_m) for region in regions], truth)


def link_inputs(region: Region, reported_m: np.ndarray) -> np.ndarray:
    """Return view and scalars of tracks (N, T, 3) in a region, shape (N, T, F), float32.

    Raises
    ------
    ValueError
        If the shape is another, or as `link_views`.
    """
    if reported_m.ndim != 3 or reported_m.shape[2] != 3:
        raise ValueError(f"tracks have shape {reported_m.shape}, but must be (N, T, 3): users, steps, metres.")
    flat_m = reported_m.reshape(-1, 3)
    views = link_views(region.raster, region.bs_m, flat_m).reshape(len(flat_m), -1)
    scalars = link_scalars(region.raster, region.bs_m, flat_m, region.freq_hz)
    return np.concatenate([views, scalars], axis=1).reshape(*reported_m.shape[:2], N_FEATURES)


def mirrored(inputs: np.ndarray, targets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return samples seen in a mirror along the line from BS to user: left and right change places, nothing else does.

    Twice the samples for nothing; inputs are (N, T, F), targets (N, T, 5).
    """
    n_view = int(np.prod(SHAPE))
    views = inputs[..., :n_view].reshape(*inputs.shape[:2], *SHAPE)[..., ::-1, :]
    flipped = np.concatenate([views.reshape(*inputs.shape[:2], n_view), inputs[..., n_view:]], axis=-1)
    targets = targets.copy()
    targets[..., TARGETS.index("turned")] = -targets[..., TARGETS.index("turned")] % 16
    return flipped, targets
