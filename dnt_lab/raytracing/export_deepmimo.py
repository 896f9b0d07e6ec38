"""Write traced paths in the layout of a DeepMIMO v4 scenario (a folder of npz matrices), and read it back.

Only the layout is used, from the published specification (DeepMIMO docs/resources/specs.md and conventions.md). N users
are receiver set 0, the base stations are transmitter set 1; the links of base station 2 are in ``<key>_t001_tx002_r000
.npz``, one matrix each, padded to the P paths of its richest user:

==========================================  =============  =======================================================
key                                         shape          meaning
==========================================  =============  =======================================================
``rx_pos``, ``tx_pos``                      (N, 3) (1, 3)  positions in metres
``power``                                   (N, P)         path gain in dB: the received power of 0 dBW sent
``phase``                                   (N, P)         phase at the carrier in degrees, that of travelling included
``delay``                                   (N, P)         travel time in seconds
``aod_az``, ``aod_el``, ``aoa_az`` ...      (N, P)         azimuth in [0, 360], "elevation" is the zenith angle, degrees
``inter``                                   (N, P)         what happens on the way, a digit a stop from base to user:
                                                           1 reflection, 3 scattering (the diffuse part); 0 is LOS
``inter_pos``                               (N, P, I, 3)   where it happens
==========================================  =============  =======================================================

All are float32 with NaN behind the last path; ``params.json`` says the frequency and the sets. Since the phase is taken
at the carrier, rounding a delay to float32 does not turn the paths against each other.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from dnt_lab.raytracing.angles import wrapped
from dnt_lab.raytracing.paths import Paths, concatenate

_CODE = "t001_tx{:03d}_r000"
_KEYS = ("power", "phase", "delay", "aod_az", "aod_el", "aoa_az", "aoa_el", "inter", "inter_pos")


def write_deepmimo(paths: Paths, folder: str | Path) -> Path:
    """Write a scenario folder; its name is the scenario's name. Return it.

    The format has one polarisation (here: vertical) and knows neither objects nor materials.

    Raises
    ------
    ValueError
        If the folder holds files already.
    """
    folder = Path(folder)
    if folder.exists() and any(folder.iterdir()):
        raise ValueError(f"{folder.name} is not empty, but the files of two scenarios do not mix: give a new folder")
    folder.mkdir(parents=True, exist_ok=True)
    for tx, tx_m in enumerate(paths.tx_m):
        matrices = _matrices(paths[paths.tx == tx]) | {"rx_pos": paths.rx_m, "tx_pos": tx_m[None]}
        for key, matrix in matrices.items():
            np.savez_compressed(folder / f"{key}_{_CODE.format(tx)}.npz", **{key: matrix.astype(np.float32)})
    (folder / "params.json").write_text(json.dumps(_params(paths), indent=2) + "\n", encoding="utf-8")
    return folder


def read_deepmimo(folder: str | Path) -> Paths:
    """Read a scenario folder in the layout of `write_deepmimo`.

    Returns
    -------
    Paths
        ``transfer`` holds only its vertical part; ``object_index`` and ``material_index`` are -1 throughout.

    Raises
    ------
    ValueError
        If a file is missing, damaged or not of the layout; the sentence names it.
    """
    folder = Path(folder)
    try:
        params = json.loads((folder / "params.json").read_text(encoding="utf-8"))
        freq_hz, n_tx = float(params["rt_params"]["frequency"]), params["txrx_sets"]["txrx_set_1"]["num_points"]
    except (OSError, ValueError, KeyError, TypeError):
        raise ValueError(f"{folder.name} holds no params.json with a frequency and the sets 0 and 1") from None
    sets = [{key: _matrix(folder, key, tx) for key in ("rx_pos", "tx_pos", *_KEYS)} for tx in range(n_tx)]
    tx_m = np.concatenate([one["tx_pos"] for one in sets])
    return concatenate([_paths(freq_hz, tx_m, tx, one) for tx, one in enumerate(sets)])


def _matrices(paths: Paths) -> dict[str, np.ndarray]:
    """Return the padded matrices of one transmitter's paths."""
    n_rx = len(paths.rx_m)
    counts = np.bincount(paths.rx, minlength=n_rx)
    by_user = paths[np.argsort(paths.rx, kind="stable")]
    slot = np.arange(len(paths)) - np.repeat(np.cumsum(counts) - counts, counts)
    # Turns are counted before they become degrees: 1e5 whole ones would cost digits.
    turns = by_user.phase_rad / (2 * np.pi) - by_user.freq_hz * by_user.delay_s
    ones = (10**by_user.order - 1) // 9  # order 3: 111
    values = {
        "power": by_user.gain_db,
        "phase": 360 * (turns - np.round(turns)),
        "delay": by_user.delay_s,
        "aod_az": by_user.aod_deg[:, 1] % 360,
        "aod_el": by_user.aod_deg[:, 0],
        "aoa_az": by_user.aoa_deg[:, 1] % 360,
        "aoa_el": by_user.aoa_deg[:, 0],
        "inter": ones + 2 * by_user.diffuse,  # a diffuse ray is scattered at its last stop: ..1 becomes ..3
        "inter_pos": by_user.points_m,
    }
    padded = {key: np.full((n_rx, counts.max(), *value.shape[1:]), np.nan) for key, value in values.items()}
    for key, value in values.items():
        padded[key][by_user.rx, slot] = value
    return padded


def _params(paths: Paths) -> dict:
    def one_set(number, name, positions_m, **role):
        points = {"num_points": len(positions_m), "num_active_points": len(positions_m)}
        return {"id": number, "name": name, **role, **points, "num_ant": 1, "dual_pol": False}

    depth = paths.points_m.shape[1]
    return {
        "version": "4.0.0",
        "rt_params": {
            "raytracer_name": "dnt_lab",
            "frequency": paths.freq_hz,
            "max_path_depth": depth,
            "max_reflections": depth,
            "max_diffractions": 0,
            "max_scattering": int(paths.diffuse.any()),
            "max_transmissions": 0,
        },
        "txrx_sets": {
            "txrx_set_0": one_set(0, "users", paths.rx_m, is_tx=False, is_rx=True),
            "txrx_set_1": one_set(1, "base stations", paths.tx_m, is_tx=True, is_rx=False),
        },
    }


def _matrix(folder: Path, key: str, tx: int) -> np.ndarray:
    name = f"{key}_{_CODE.format(tx)}.npz"
    try:
        with open(folder / name, "rb") as file, np.load(file, allow_pickle=False) as stored:
            return stored[key].astype(float)
    except Exception:  # a damaged zip raises errors of many kinds
        raise ValueError(f"{name} is missing in {folder.name}, damaged, or holds no {key!r}") from None


def _paths(freq_hz: float, tx_m: np.ndarray, tx: int, one: dict[str, np.ndarray]) -> Paths:
    rx, slot = np.nonzero(~np.isnan(one["inter"]))
    power_db, phase_deg, delay_s, aod_az, aod_el, aoa_az, aoa_el, inter, points_m = (one[k][rx, slot] for k in _KEYS)
    transfer = np.zeros((len(rx), 2, 2), complex)
    transfer[:, 0, 0] = 10 ** (power_db / 20) * np.exp(1j * (np.deg2rad(phase_deg) + 2 * np.pi * freq_hz * delay_s))
    nothing = np.full(points_m.shape[:2], -1)
    return Paths(
        freq_hz, tx_m, one["rx_pos"],
        tx=np.full(len(rx), tx), rx=rx,
        order=(~np.isnan(points_m[:, :, 0])).sum(axis=1),
        delay_s=delay_s, transfer=transfer,
        aod_deg=np.stack([aod_el, wrapped(aod_az)], axis=1), aoa_deg=np.stack([aoa_el, wrapped(aoa_az)], axis=1),
        points_m=points_m, object_index=nothing, material_index=nothing,
        diffuse=inter % 10 == 3,
    )  # fmt: skip
