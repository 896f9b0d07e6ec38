"""A shard of a data set: some scenarios and their paths as arrays in one npz, ragged tables laid end to end."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
import pandas as pd

from dnt_lab.raytracing.arrays import AntennaArray, best_beams
from dnt_lab.raytracing.channel import delay_spread_s
from dnt_lab.raytracing.link_sums import link_sum
from dnt_lab.raytracing.paths import Paths
from dnt_lab.raytracing.scenario import Box, Scenario

_NOT_PER_PATH = ("freq_hz", "tx_m", "rx_m", "objects", "materials")
_PER_PATH = tuple(part.name for part in fields(Paths) if part.name not in _NOT_PER_PATH)
_PER_SCENARIO = ("number", "freq_hz", "bandwidth_hz", "n_beams", "tx_m", "rx_m")
_PER_BOX = tuple(part.name for part in fields(Box))  # from kind to material


@dataclass(frozen=True, eq=False)
class Shard:
    """S scenarios of T access points and R users each.

    Attributes
    ----------
    arrays : dict of ndarray
        A row a scenario: ``number, freq_hz, bandwidth_hz, n_beams`` (S,), ``tx_m`` (S, T, 3), ``rx_m`` (S, R, 3), and
        of its links, (S, T, R): ``n_paths, los, gain_db, delay_spread_s, best_beam``. A row a path or a box, those of
        all scenarios one after the other: ``path_...`` and ``box_...``; scenario s ends at row ``path_end[s]`` and
        ``box_end[s]``.
    names : list of dict
        Names in each scenario: its objects, materials and walls.
    """

    arrays: dict[str, np.ndarray]
    names: list[dict[str, list[str]]]

    @classmethod
    def of(cls, drawn: Sequence[tuple[Scenario, Paths]]) -> Shard:
        """Return the shard of scenarios and their paths."""
        scenarios, paths = zip(*drawn, strict=True)
        boxes = [box for scenario in scenarios for box in scenario.boxes]
        links = [_links(scenario, found) for scenario, found in drawn]
        arrays = {name: np.array([getattr(scenario, name) for scenario in scenarios]) for name in _PER_SCENARIO}
        arrays |= {name: np.stack([link[name] for link in links]) for name in links[0]}
        arrays |= {f"path_{name}": np.concatenate([getattr(found, name) for found in paths]) for name in _PER_PATH}
        arrays |= {f"box_{name}": np.array([getattr(box, name) for box in boxes], float) for name in _PER_BOX[1:-1]}
        arrays["box_kind"] = np.array([box.kind for box in boxes], str)
        arrays["box_material"] = np.array([box.material.name for box in boxes], str)
        arrays["path_end"] = np.cumsum([len(found) for found in paths])
        arrays["box_end"] = np.cumsum([len(scenario.boxes) for scenario in scenarios])
        names = [{"objects": p.objects, "materials": p.materials, "walls": s.walls} for s, p in drawn]
        return cls(arrays, json.loads(json.dumps(names)))

    def to_bytes(self) -> bytes:
        """Return the content of a npz file; equal shards give equal bytes."""
        content = io.BytesIO()
        names = np.frombuffer(json.dumps(self.names).encode(), np.uint8)
        np.savez_compressed(content, **self.arrays, names=names)
        return content.getvalue()

    @classmethod
    def from_bytes(cls, content: bytes) -> Shard:
        """Read what `to_bytes` gave."""
        with np.load(io.BytesIO(content), allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in stored.files}
        for array in arrays.values():
            array.flags.writeable = False  # an opened shard is kept, and its paths are parts of these arrays
        return cls(arrays, json.loads(arrays.pop("names").tobytes()))

    def paths(self, row: int) -> Paths:
        """Return the paths of scenario `row` of this shard."""
        start, end = self._span("path", row)
        per_path = {name: self.arrays[f"path_{name}"][start:end] for name in _PER_PATH}
        names = {name: tuple(self.names[row][name]) for name in ("objects", "materials")}
        nodes = {name: self.arrays[name][row] for name in ("tx_m", "rx_m")}
        return Paths(freq_hz=float(self.arrays["freq_hz"][row]), **nodes, **per_path, **names)

    def boxes(self, row: int) -> pd.DataFrame:
        """Return the things and people of scenario `row`, a row a box."""
        start, end = self._span("box", row)
        return pd.DataFrame({name: self.arrays[f"box_{name}"][start:end] for name in _PER_BOX})

    def links(self) -> pd.DataFrame:
        """Return a table with a row a link; see `dnt_lab.raytracing.data_set.DataSet.to_frame`."""
        a = self.arrays
        scenario, tx, rx = (index.ravel() for index in np.indices(a["n_paths"].shape))
        of_box = np.repeat(np.arange(len(self.names)), np.diff(a["box_end"], prepend=0))
        thing = a["box_kind"] == "obstacle"
        volume_m3 = np.where(thing, a["box_length_m"] * a["box_width_m"] * a["box_height_m"], 0.0)
        things, people, volume_m3 = (
            np.bincount(of_box, weight, len(self.names))[scenario] for weight in (thing, ~thing, volume_m3)
        )
        tx_m, rx_m = a["tx_m"][scenario, tx], a["rx_m"][scenario, rx]
        per_scenario = {name: a[name][scenario] for name in ("freq_hz", "bandwidth_hz", "n_beams")}
        per_link = {name: a[name].ravel() for name in ("n_paths", "los", "gain_db")}
        return pd.DataFrame(
            {"scenario": a["number"][scenario], "tx": tx, "rx": rx}
            | per_scenario
            | {f"{end}_{axis}_m": of[:, k] for end, of in (("tx", tx_m), ("rx", rx_m)) for k, axis in enumerate("xyz")}
            | {"distance_m": np.linalg.norm(rx_m - tx_m, axis=1)}
            | {"walls": np.array([", ".join(names["walls"]) for names in self.names])[scenario]}
            | {"n_obstacles": things.astype(int), "obstacle_volume_m3": volume_m3, "n_blockers": people.astype(int)}
            | per_link
            | {"delay_spread_ns": a["delay_spread_s"].ravel() * 1e9, "best_beam": a["best_beam"].ravel()}
        )

    def _span(self, kind: str, row: int) -> tuple[int, int]:
        ends = self.arrays[f"{kind}_end"]
        return (ends[row - 1] if row else 0), ends[row]


def _links(scenario: Scenario, paths: Paths) -> dict[str, np.ndarray]:
    """Return what a receiver gets on each link, arrays (T, R)."""
    with np.errstate(divide="ignore"):
        gain_db = 10 * np.log10(paths.power())
    return {
        "n_paths": link_sum(paths, np.ones(len(paths))).astype(int),
        "los": link_sum(paths, (paths.order == 0).astype(float)) > 0,
        "gain_db": gain_db,
        "delay_spread_s": delay_spread_s(paths),
        "best_beam": best_beams(paths, AntennaArray(columns=scenario.n_beams)).tx_beam,
    }
