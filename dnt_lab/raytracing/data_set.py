"""Data sets: many random scenarios, traced, in files that a killed run does not spoil.

A folder holds shards ``shard-00000.npz``, ..., each with the same number of scenarios, and ``manifest.json``: the
recipe (space, seed, order ...), the versions of what made it, and the SHA-256 of each finished shard. Every file is
written beside its place and moved there in one step, so that it is whole or absent. Whoever starts again goes on behind
the shards in the manifest, and the bytes are those of a run that was never stopped.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import pandas as pd
from rich.progress import Progress

from dnt_lab.datasets._checks import whole
from dnt_lab.raytracing.paths import Paths
from dnt_lab.raytracing.recipe import difference, recipe
from dnt_lab.raytracing.scenarios import ScenarioSpace
from dnt_lab.raytracing.shard import Shard
from dnt_lab.raytracing.trace import MAX_ORDER

_MANIFEST = "manifest.json"


@dataclass(frozen=True, eq=False)
class DataSet:
    """Traced scenarios in a folder; iterating gives the `Paths` of one after the other.

    Attributes
    ----------
    folder : Path
        Where the shards are.
    manifest : dict
        Recipe, versions and checksums.
    links : DataFrame
        What `to_frame` gives a copy of.
    """

    folder: Path
    manifest: dict
    links: pd.DataFrame

    def __len__(self) -> int:
        return self.manifest["n"]

    def __repr__(self) -> str:
        freq_ghz = "/".join(f"{freq_hz / 1e9:g}" for freq_hz in sorted(self.links["freq_hz"].unique()))
        return (
            f"DataSet({self.manifest['space']['site']['name']}: {len(self)} scenarios, {len(self.links)} links, "
            f"{self.links['n_paths'].sum()} paths of up to {self.manifest['max_order']} reflections at {freq_ghz} GHz)"
        )

    def __iter__(self) -> Iterator[Paths]:
        return (self.paths(number) for number in range(len(self)))

    def paths(self, number: int) -> Paths:
        """Return the paths of one scenario, 0 to ``len(self) - 1``."""
        shard, row = self._at(number)
        return shard.paths(row)

    def boxes(self, number: int) -> pd.DataFrame:
        """Return the things and people of one scenario, a row a box: place and sides in metres, azimuth, material."""
        shard, row = self._at(number)
        return shard.boxes(row)

    def to_frame(self) -> pd.DataFrame:
        """Return a table with a row a link.

        ``scenario, tx, rx``; settings ``freq_hz, bandwidth_hz, n_beams``; positions ``tx_x_m`` ... ``rx_z_m`` and
        ``distance_m``; surroundings ``walls, n_obstacles, obstacle_volume_m3, n_blockers``; what comes of it:
        ``n_paths``, ``los`` (the straight line is free), ``gain_db`` (-inf without a path), ``delay_spread_ns`` (NaN
        without one) and ``best_beam`` (-1 without one), a row of the codebook of ``AntennaArray(columns=n_beams)`` at
        the access point, which looks along x.
        """
        return self.links.copy()

    def _at(self, number: int) -> tuple[Shard, int]:
        index, row = divmod(whole("number", number, 0, len(self) - 1), self.manifest["shard_size"])
        name = _shard_name(index)
        return _opened(self.folder / name, self.manifest["sha256"][name]), row


def make_data_set(
    space: ScenarioSpace,
    n: int,
    folder: str | Path,
    seed: int,
    *,
    shard_size: int = 100,
    max_order: int = 2,
    progress: bool = False,
) -> DataSet:
    """Trace scenarios 0 to `n` - 1 of a seed into a folder, or go on where a run of the same recipe was stopped.

    Parameters
    ----------
    space : ScenarioSpace
        What scenarios are drawn from.
    n : int
        How many.
    folder : path
        A new or empty folder, or one that was begun by the same call.
    seed : int
        Decides all draws.
    shard_size : int
        Scenarios a file: what is lost at most when the run is killed.
    max_order : int
        Most reflections of a path.
    progress : bool
        Show a progress bar.

    Returns
    -------
    DataSet
        The finished set.

    Raises
    ------
    TypeError, ValueError
        If a number is out of range, the folder holds something else or was begun with another recipe or other versions,
        or a finished shard has changed.
    """
    wanted = recipe(
        space,
        n=whole("n", n, 1),
        seed=whole("seed", seed, 0),
        shard_size=whole("shard_size", shard_size, 1),
        max_order=whole("max_order", max_order, 0, MAX_ORDER),
    )
    folder = Path(folder)
    manifest = _begun(folder, wanted)
    with Progress(disable=not progress) as bar:
        task = bar.add_task("tracing", total=n)
        for first in range(0, n, shard_size):
            name = _shard_name(first // shard_size)
            numbers = range(first, min(first + shard_size, n))
            if name in manifest["sha256"] and (folder / name).exists():
                _read(folder / name, manifest["sha256"][name])
                bar.advance(task, len(numbers))
                continue
            drawn = []
            for number in numbers:
                scenario = space.scenario(number, seed)
                drawn.append((scenario, scenario.trace(max_order)))
                bar.advance(task)
            content = Shard.of(drawn).to_bytes()
            _write(folder / name, content)
            manifest["sha256"][name] = hashlib.sha256(content).hexdigest()
            _write(folder / _MANIFEST, json.dumps(manifest, indent=1).encode())
    return load_data_set(folder)


def load_data_set(folder: str | Path) -> DataSet:
    """Open a finished data set; every byte is checked.

    Raises
    ------
    ValueError
        If the folder holds none or an unfinished one, or a shard is not as it was written.
    """
    folder = Path(folder)
    manifest = _manifest(folder)
    names = [_shard_name(index) for index in range(-(-manifest["n"] // manifest["shard_size"]))]
    done = [name for name in names if name in manifest["sha256"]]
    if len(done) < len(names):
        raise ValueError(
            f"{folder.name} is not finished, {len(done)} of {len(names)} shards are there: call make_data_set as before"
        )
    links = [_read(folder / name, manifest["sha256"][name]).links() for name in names]
    return DataSet(folder, manifest, pd.concat(links, ignore_index=True))


def _shard_name(index: int) -> str:
    return f"shard-{index:05d}.npz"


def _read(path: Path, sha256: str) -> Shard:
    """Read a shard, or say that it is not as it was written."""
    if not path.exists():
        raise ValueError(f"{path.name} is missing in {path.parent.name}: call make_data_set as before to make it again")
    content = path.read_bytes()
    if hashlib.sha256(content).hexdigest() != sha256:
        raise ValueError(f"{path.name} is damaged (its checksum changed): delete it and call make_data_set as before")
    return Shard.from_bytes(content)


_opened = lru_cache(maxsize=2)(_read)  # for whoever walks through a set scenario by scenario


def _manifest(folder: Path) -> dict:
    try:
        manifest = json.loads((folder / _MANIFEST).read_bytes())
        dict(manifest["sha256"]), manifest["space"]["site"]["name"], manifest["n"] // manifest["shard_size"]
    except (OSError, ValueError, KeyError, TypeError, ZeroDivisionError):
        raise ValueError(f"{folder.name} holds no data set: {_MANIFEST} is missing or damaged") from None
    return manifest


def _begun(folder: Path, wanted: dict) -> dict:
    """Return the manifest of the folder, a new one in an empty folder; refuse one of another recipe."""
    if (folder / _MANIFEST).exists():
        manifest = _manifest(folder)
        if changed := difference({name: value for name, value in manifest.items() if name != "sha256"}, wanted):
            raise ValueError(f"{folder.name} was begun with another recipe, {changed}: give another folder")
        return manifest
    folder.mkdir(parents=True, exist_ok=True)
    if foreign := [path.name for path in folder.iterdir() if path.name != f"{_MANIFEST}.tmp"]:
        raise ValueError(f"{folder.name} holds {foreign[0]} but no data set: give a new folder")
    manifest = wanted | {"sha256": {}}
    _write(folder / _MANIFEST, json.dumps(manifest, indent=1).encode())
    return manifest


def _write(path: Path, content: bytes) -> None:
    """Write beside `path` first, then move there in one step: a kill leaves the old file or the new one."""
    beside = path.with_name(path.name + ".tmp")
    with open(beside, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    os.replace(beside, path)
