"""Hand traced paths to the network simulator ns-3, as the folder that NIST's Q-D realization writes, and read it back.

::

    scenario/Input/paraCfgCurrent.txt                      name <tab> value: steps, duration, carrier, digits
    scenario/Input/NodePosition0.dat ...                   x,y,z of a node, a line a time step
    scenario/Output/Ns3/NodesPosition/NodesPosition.csv    x,y,z of every node at the first step, a line a node
    scenario/Output/Ns3/QdFiles/Tx0Rx1.txt ...             the rays of a link

A link's file holds, for each time step, a line with the number of rays and, if there is one, seven lines with a value
a ray: delay (s), path gain (dB), phase (rad, without that of travelling), then elevation and azimuth of departure and
of arrival in degrees. "Elevation" is the zenith angle, 0 upwards, and azimuth runs from 0 to 360.

Nodes are numbered: the transmitters first, then the receivers. ns-3 finds its own node for a number by comparing the
initial positions, exactly, so they are written with every digit a float has. A link is there in both directions: the
second file holds the same rays with departure and arrival exchanged.

The format knows one polarisation (here: vertical) and neither the number of reflections nor their points.
Source of the layout: wigig-tools/qd-realization, which writes it, and signetlabdei/qd-channel, which reads it in ns-3.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from dnt_lab.datasets._checks import whole
from dnt_lab.raytracing.angles import unit_vector, wrapped
from dnt_lab.raytracing.paths import Paths

_LINK = re.compile(r"Tx(\d+)Rx(\d+)\.txt")
_REVERSED = [0, 1, 2, 5, 6, 3, 4]  # the seven lines, seen from the other end
_ALONG_THE_LINE_RAD = np.deg2rad(0.01)  # six digits leave 0.0005 degrees; a reflection off the ground is far outside


def track_steps(paths: Paths) -> list[Paths]:
    """Split the paths of one moving user, whose receivers are its places in time, into one `Paths` a time step."""
    rows = [paths[paths.rx == step] for step in range(len(paths.rx_m))]
    return [replace(p, rx=np.zeros_like(p.rx), rx_m=paths.rx_m[k : k + 1]) for k, p in enumerate(rows)]


def write_ns3(steps: Paths | Sequence[Paths], folder: str | Path, duration_s: float = 1.0, *, digits: int = 6) -> Path:
    """Write a Q-D scenario folder that ns-3 reads.

    Parameters
    ----------
    steps : Paths or sequence of Paths
        One for each time step, all with the same frequency, transmitters and receivers, which may move.
    folder : path
        The scenario; made if absent. It must not hold rays yet, since ns-3 reads whatever lies there.
    duration_s : float
        Length of the whole scenario in seconds; all steps last equally long.
    digits : int
        Significant digits of a value: 6, as NIST writes, to 17, where nothing is lost. Six digits of a delay of 1 us
        leave 0.5 ps, a fifth of a radian at 60 GHz.

    Returns
    -------
    Path
        The folder. Rays that bring nothing to a vertical antenna (-inf dB) are left out: ns-3 cannot read them.

    Raises
    ------
    ValueError
        If there is no step, steps differ in nodes or frequency, two nodes start in the same place, a value is out of
        range, or the folder holds rays already.
    """
    steps = [steps] if isinstance(steps, Paths) else list(steps)
    digits = whole("digits", digits, 6, 17)
    places_m = _places(steps)
    if not np.isfinite(duration_s) or duration_s < 1e-9 * len(steps):
        raise ValueError(f"duration_s is {duration_s}, but each of {len(steps)} steps must last 1 ns or longer")
    folder = Path(folder)
    inputs, nodes, rays = _folders(folder)
    if rays.is_dir() and any(rays.iterdir()):
        raise ValueError(f"{folder.name} holds rays already, which ns-3 would mix with the new ones: give a new folder")
    for place in (inputs, nodes, rays):
        place.mkdir(parents=True, exist_ok=True)

    settings = {
        "numberOfNodes": places_m.shape[1],
        "numberOfTimeDivisions": len(steps),
        "totalTimeDuration": _text(duration_s),
        "totalNumberOfReflections": max(step.points_m.shape[1] for step in steps),
        "switchQDGenerator": int(any(step.diffuse.any() for step in steps)),
        "carrierFrequency": _text(steps[0].freq_hz),
        "qdFilesFloatPrecision": digits,
    }
    lines = ["ParameterName\tParameterValue", *(f"{name}\t{value}" for name, value in settings.items())]
    _write(inputs / "paraCfgCurrent.txt", lines)
    _write(nodes / "NodesPosition.csv", _rows(places_m[0]))
    for node in range(places_m.shape[1]):
        _write(inputs / f"NodePosition{node}.dat", _rows(places_m[:, node]))

    tables = [_rays_by_link(step) for step in steps]
    n_tx = len(steps[0].tx_m)
    for link, (tx, rx) in enumerate(np.ndindex(n_tx, len(steps[0].rx_m))):
        there = [table[link] for table in tables]
        _write(rays / f"Tx{tx}Rx{n_tx + rx}.txt", _blocks(there, digits))
        _write(rays / f"Tx{n_tx + rx}Rx{tx}.txt", _blocks([ray[_REVERSED] for ray in there], digits))
    return folder


def read_ns3(folder: str | Path) -> tuple[list[Paths], float]:
    """Read a Q-D scenario folder, written by `write_ns3` or by NIST's tool.

    Returns
    -------
    steps : list of Paths
        One for each time step. Of a link's two files that from the lower to the higher number is read, so transmitters
        are the nodes with a lower number than a partner. ``transfer`` holds only its vertical part. ``order`` is 0 for
        a ray along the straight line between the nodes and 1 for any other, points are NaN: the format tells no more.
    duration_s : float
        Length of the scenario in seconds.

    Raises
    ------
    ValueError
        If a file is missing, cut off or not of the layout; the sentence names it.
    """
    inputs, nodes, rays = _folders(Path(folder))
    n_steps, duration_s, freq_hz = _settings(inputs / "paraCfgCurrent.txt")
    first_m = _table(nodes / "NodesPosition.csv")
    places_m = np.repeat(first_m[None], n_steps, axis=0)
    for node in range(len(first_m)):
        if (track := inputs / f"NodePosition{node}.dat").exists():
            if len(moved_m := _table(track)) != n_steps:
                raise ValueError(f"{track.name} holds {len(moved_m)} positions, but the scenario has {n_steps} steps")
            places_m[:, node] = moved_m

    found = [tuple(map(int, match.groups())) for path in rays.glob("*") if (match := _LINK.fullmatch(path.name))]
    links = np.array(sorted((a, b) for a, b in found if a < b), int).reshape(-1, 2)
    if not len(links) or links.max() >= len(first_m):
        raise ValueError(f"QdFiles holds {len(links)} links (Tx0Rx1.txt ...), but must join the {len(first_m)} nodes")
    blocks = [_read_blocks(rays / f"Tx{a}Rx{b}.txt", n_steps) for a, b in links]
    tx, rx = np.unique(links[:, 0]), np.unique(links[:, 1])
    rows = np.searchsorted(tx, links[:, 0]), np.searchsorted(rx, links[:, 1])
    steps = []
    for place_m, now in zip(places_m, zip(*blocks, strict=True), strict=True):
        whose = [np.repeat(row, [ray.shape[1] for ray in now]) for row in rows]
        steps.append(_paths(freq_hz, place_m[tx], place_m[rx], *whose, np.hstack(now)))
    return steps, duration_s


def _folders(folder: Path) -> tuple[Path, Path, Path]:
    ns3 = folder / "Output" / "Ns3"
    return folder / "Input", ns3 / "NodesPosition", ns3 / "QdFiles"


def _places(steps: list[Paths]) -> np.ndarray:
    """Return where each node is at each step, shape (steps, T + R, 3), or refuse steps that do not fit together."""
    if not steps:
        raise ValueError("there is no time step to write, but at least one Paths is needed")
    for number, step in enumerate(steps):
        if step.freq_hz != steps[0].freq_hz:
            raise ValueError(f"step {number} is at {step.freq_hz:g} Hz, but step 0 is at {steps[0].freq_hz:g} Hz")
        if (len(step.tx_m), len(step.rx_m)) != (len(steps[0].tx_m), len(steps[0].rx_m)):
            raise ValueError(f"step {number} has other numbers of transmitters or receivers than step 0")
    places_m = np.stack([np.vstack([step.tx_m, step.rx_m]) for step in steps])
    if len(np.unique(places_m[0], axis=0)) < places_m.shape[1]:
        raise ValueError("two nodes start in the same place, but ns-3 tells nodes apart by where they start")
    return places_m


def _rays_by_link(paths: Paths) -> list[np.ndarray]:
    """Return the seven lines of each link, arrays (7, n), links ordered by transmitter and receiver."""
    paths = paths[paths.gain != 0]
    (aod_el, aod_az), (aoa_el, aoa_az) = paths.aod_deg.T, paths.aoa_deg.T
    phase_rad = paths.phase_rad % (2 * np.pi)
    rays = np.stack([paths.delay_s, paths.gain_db, phase_rad, aod_el, aod_az % 360, aoa_el, aoa_az % 360])
    link = paths.tx * len(paths.rx_m) + paths.rx
    ends = np.cumsum(np.bincount(link, minlength=len(paths.tx_m) * len(paths.rx_m)))
    return np.split(rays[:, np.argsort(link, kind="stable")], ends[:-1], axis=1)


def _blocks(rays: list[np.ndarray], digits: int) -> Iterable[str]:
    """Yield the lines of a link's file; a step without rays is the single line 0."""
    for ray in rays:
        yield str(ray.shape[1])
        if ray.size:
            yield from (",".join(f"{value:.{digits}g}" for value in row) for row in ray)


def _read_blocks(path: Path, n_steps: int) -> list[np.ndarray]:
    """Return the rays of each step of a link's file, arrays (7, n)."""
    lines, blocks = iter(_lines(path)), []
    for number in range(n_steps):
        try:
            n_rays = int(next(lines))
            values = [next(lines).split(",") for _ in range(7 if n_rays else 0)]
            blocks.append(np.array(values, float).reshape(7, n_rays))
        except (StopIteration, ValueError):
            raise ValueError(f"{path.name} is cut off or damaged in step {number} of 0 to {n_steps - 1}") from None
    if next(lines, None) is not None:
        raise ValueError(f"{path.name} goes on after its {n_steps} steps, but paraCfgCurrent.txt names no more")
    return blocks


def _paths(freq_hz, tx_m, rx_m, tx, rx, rays) -> Paths:
    delay_s, gain_db, phase_rad, aod_el, aod_az, aoa_el, aoa_az = rays
    aod_deg, aoa_deg = np.stack([aod_el, wrapped(aod_az)], axis=1), np.stack([aoa_el, wrapped(aoa_az)], axis=1)
    line = rx_m[rx] - tx_m[tx]
    line /= np.linalg.norm(line, axis=1, keepdims=True)
    # The distance between the tips of two unit vectors is their angle, as long as it is small.
    off_rad = np.linalg.norm([unit_vector(aod_deg) - line, unit_vector(aoa_deg) + line], axis=2)
    transfer = np.zeros((len(tx), 2, 2), complex)
    transfer[:, 0, 0] = 10 ** (gain_db / 20) * np.exp(1j * phase_rad)
    return Paths(
        freq_hz, tx_m, rx_m, tx, rx,
        order=np.where((off_rad < _ALONG_THE_LINE_RAD).all(axis=0), 0, 1),
        delay_s=delay_s, transfer=transfer, aod_deg=aod_deg, aoa_deg=aoa_deg,
        points_m=np.full((len(tx), 1, 3), np.nan),
        object_index=np.full((len(tx), 1), -1), material_index=np.full((len(tx), 1), -1),
        diffuse=np.zeros(len(tx), bool),
    )[np.lexsort((delay_s, rx, tx))]  # fmt: skip


def _settings(path: Path) -> tuple[int, float, float]:
    values = dict(line.split(maxsplit=1) for line in _lines(path) if len(line.split(maxsplit=1)) == 2)
    try:
        n_steps, duration_s = int(values["numberOfTimeDivisions"]), float(values["totalTimeDuration"])
        return n_steps, duration_s, float(values["carrierFrequency"])
    except (KeyError, ValueError) as error:
        raise ValueError(f"{path.name} lacks a setting or holds no number for it: {error}") from None


def _table(path: Path) -> np.ndarray:
    """Return the rows x,y,z of a file, shape (n, 3)."""
    lines = _lines(path)
    try:
        return np.array([line.split(",") for line in lines], float).reshape(-1, 3)
    except ValueError as error:
        raise ValueError(f"{path.name} holds a line that is not x,y,z: {error}") from None


def _lines(path: Path) -> list[str]:
    if not path.is_file():
        raise ValueError(f"{path.name} is missing, but a Q-D scenario has it in {path.parent.name}")
    return [line for line in path.read_text(encoding="ascii", errors="replace").splitlines() if line.strip()]


def _write(path: Path, lines: Iterable[str]) -> None:
    path.write_text("".join(f"{line}\n" for line in lines), encoding="ascii", newline="\n")


def _rows(points_m: np.ndarray) -> list[str]:
    return [",".join(map(_text, point)) for point in points_m]


def _text(value: float) -> str:
    """Return the shortest decimal text that reads back as the same float: 5, 0.1."""
    return np.format_float_positional(value, trim="-")
