r"""Channel models with parameters to tune: a formula of distance, and traced paths whose walls may change.

Both predict received power in dB at N positions from named numbers, so that `calibrate` can fit them:

- `LogDistance`: :math:`p = o - 20\lg(4\pi f/c) - 10\,n \lg d - a\,d`;
- `TracedPower`: :math:`p = o + 10\lg \sum |g|^2` over the paths of a link. Paths are traced once. The amplitude of a
  path is linear in the reflection coefficients (TE and TM) of each of its k bounces, so that :math:`2^k` numbers of
  geometry per path stay, and new materials cost a few products instead of a new trace.

=========================================  =============================================================  ========
parameter                                  meaning                                                        unit
=========================================  =============================================================  ========
``offset_db``                              transmit power and antenna gains, or what is relative           dB
``exponent``                               n: 2 in free space                                             --
``loss_db_per_m``                          a: plants, oxygen                                              dB/m
``<material>.relative_permittivity``       also ``.conductivity_s_per_m`` and ``.thickness_m`` (in m)      --, S/m
``<material>.loss_db``                     loss of a bounce, the same at any angle                        dB
=========================================  =============================================================  ========
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import product

import numpy as np

from dnt_lab.physical.pathloss import SPEED_OF_LIGHT_M_S, free_space_db
from dnt_lab.raytracing.calibration import Parameter
from dnt_lab.raytracing.field import reflection_coefficients, transfer_matrix
from dnt_lab.raytracing.legs import legs_of
from dnt_lab.raytracing.materials import FixedLoss
from dnt_lab.raytracing.paths import Paths

OFFSET = Parameter("offset_db", 0.0, -200.0, 200.0)
EXPONENT = Parameter("exponent", 2.0, 1.0, 6.0)
LOSS_PER_M = Parameter("loss_db_per_m", 0.0, 0.0, 3.0)
_FREE_SPACE = {"offset_db": 0.0, "exponent": 2.0, "loss_db_per_m": 0.0}


@dataclass(frozen=True, eq=False)
class LogDistance:
    """Power that falls with the logarithm of distance and with distance itself.

    Leave out readings near the receiver's noise floor and its saturation: the formula knows neither.

    Attributes
    ----------
    distance_m : ndarray, shape (N,)
        Distance to the antenna in metres, over 0.
    freq_hz : float
        Carrier frequency in Hz.
    parameters : tuple of Parameter
        What to tune, of `OFFSET`, `EXPONENT` and `LOSS_PER_M` or with other bounds; the rest stays as in free space
        with offset 0. ``(OFFSET,)`` is free space with unknown antennas.

    Raises
    ------
    ValueError
        If a distance or the frequency is not over 0, or a parameter is none of these.
    """

    distance_m: np.ndarray
    freq_hz: float
    parameters: tuple[Parameter, ...] = (OFFSET, EXPONENT)

    def __post_init__(self):
        unknown = [p.name for p in self.parameters if p.name not in _FREE_SPACE]
        if unknown:
            raise ValueError(f"{unknown[0]} is no parameter of LogDistance, which has {', '.join(_FREE_SPACE)}")
        free_space_db(self.distance_m, self.freq_hz)  # refuses what is no distance
        object.__setattr__(self, "distance_m", np.asarray(self.distance_m, float))

    def predict_db(self, values: dict[str, float]) -> np.ndarray:
        """Received power in dB, shape (N,)."""
        values = _FREE_SPACE | values
        at_1_m_db = values["offset_db"] - free_space_db(1.0, self.freq_hz)
        falling_db = 10 * values["exponent"] * np.log10(self.distance_m) + values["loss_db_per_m"] * self.distance_m
        return at_1_m_db - falling_db


@dataclass(frozen=True, eq=False)
class TracedPower:
    """Power over traced paths: incoherent sum of ``|gain|^2`` between vertical antennas, walls to be tuned.

    Attributes
    ----------
    paths : Paths
        Specular paths of T transmitters and R receivers, traced once. Position ``t R + r`` of the model is link (t, r).
    materials : tuple
        The scene's materials, with which the paths were traced.
    parameters : tuple of Parameter
        What to tune: see the table at the top of this module.
    polarised, extrapolate : bool
        As the paths were traced.

    Raises
    ------
    ValueError
        If the paths hold diffuse rays, were traced otherwise than with these materials, or a parameter is not known;
        if the permittivity or thickness of a thick slab is to be tuned. The echo from its rear makes reflection rise
        and fall with either, and a fit would end in any of the ripples; a half-space (``thickness_m=None``) has none.
    """

    paths: Paths
    materials: tuple
    parameters: tuple[Parameter, ...]
    polarised: bool = True
    extrapolate: bool = False

    def __post_init__(self):
        if self.paths.diffuse.any():
            raise ValueError("paths holds diffuse rays, but walls are tuned on specular paths: paths[~paths.diffuse]")
        for parameter in self.parameters:
            _refuse_ripples(parameter, self._changed({parameter.name: parameter.start}), self.paths.freq_hz)
        bounces = [_bounces(self.paths, k, self.polarised) for k in np.unique(self.paths.order)]
        object.__setattr__(self, "_bounces", bounces)
        again, traced = self.gain({}), self.paths.gain
        if not np.allclose(np.abs(again), np.abs(traced), rtol=1e-6, atol=1e-9 * np.abs(traced).max(initial=0.0)):
            raise ValueError(
                "paths differ from those which these materials give, but the scene's own materials are needed, and "
                f"polarised as in the trace, not {self.polarised}"
            )

    def gain(self, values: dict[str, float]) -> np.ndarray:
        """Complex amplitude (P,) of each path between vertical antennas."""
        materials = self._changed(values)
        gain = np.zeros(len(self.paths), complex)
        for rows, material, cosine, share in self._bounces:
            r = reflection_coefficients(
                materials, material.ravel(), cosine.ravel(), self.paths.freq_hz, extrapolate=self.extrapolate
            )
            te_tm = np.stack(r).reshape(2, *material.shape)
            if not self.polarised:  # TE and TM alike
                te_tm[:] = np.sqrt(np.mean(np.abs(te_tm) ** 2, axis=0))
            for kinds, part in share.items():
                gain[rows] += part * np.prod([te_tm[kind, :, i] for i, kind in enumerate(kinds)], axis=0)
        return gain

    def predict_db(self, values: dict[str, float]) -> np.ndarray:
        """Received power in dB, shape (T R,); -inf where no path arrives."""
        n_rx = len(self.paths.rx_m)
        link = self.paths.tx * n_rx + self.paths.rx
        power = np.bincount(link, np.abs(self.gain(values)) ** 2, len(self.paths.tx_m) * n_rx)
        with np.errstate(divide="ignore"):
            return values.get("offset_db", 0.0) + 10 * np.log10(power)

    def _changed(self, values: dict[str, float]) -> list:
        """Return the materials with new numbers."""
        materials, names = list(self.materials), [material.name for material in self.materials]
        for parameter, value in values.items():
            name, _, part = parameter.rpartition(".")
            if parameter == "offset_db":
                continue
            if name not in names:
                raise ValueError(
                    f"{parameter!r} belongs to no material of the scene; 'offset_db' or '<material>.<number>' is "
                    f"needed, with a material of {', '.join(names)}"
                )
            number = names.index(name)
            old = materials[number]
            if part == "loss_db":
                materials[number] = FixedLoss(value, name=name)
                continue
            if hasattr(old, "at"):  # a material of a table becomes one of numbers
                old = old.at(self.paths.freq_hz, extrapolate=self.extrapolate)
            if getattr(old, part, None) is None:
                raise ValueError(f"{part!r} is no number of {old!r} that can be tuned")
            materials[number] = replace(old, **{part: value})
        return materials


def _refuse_ripples(parameter: Parameter, materials, freq_hz: float):
    """Raise ValueError if a slab's reflection goes up and down between the bounds of its parameter."""
    name, _, part = parameter.name.rpartition(".")
    if part not in ("relative_permittivity", "thickness_m"):
        return
    wall = next(material for material in materials if material.name == name)
    if wall.thickness_m is None:
        return
    ends = [replace(wall, **{part: value}) for value in (parameter.low, parameter.high)]
    depths_m = [end.thickness_m * np.sqrt(end.relative_permittivity) for end in ends]
    ripples = 2 * (depths_m[1] - depths_m[0]) * freq_hz / SPEED_OF_LIGHT_M_S
    if ripples > 1:
        raise ValueError(
            f"{parameter.name} from {parameter.low:g} to {parameter.high:g} holds {ripples:.1f} ripples of the echo "
            "from the slab's rear, but a fit finds its way within one: narrow the bounds, or make the wall a "
            "half-space (thickness_m=None)"
        )


def _bounces(paths: Paths, order: int, polarised: bool):
    """Paths of one order: rows, materials (N, k), cosines (N, k), and amplitude by TE or TM (0, 1) at each bounce."""
    rows = np.flatnonzero(paths.order == order)
    k, length_m, normal, cosine, material, wavelength_m = legs_of(paths, rows, order)
    share = {}
    for kinds in product((0, 1), repeat=order) if polarised else [(0,) * order]:
        is_tm = np.broadcast_to(np.array(kinds, float), (len(rows), order))
        r_te, r_tm = (1 - is_tm, is_tm) if polarised else (np.ones_like(is_tm), np.ones_like(is_tm))
        share[kinds] = transfer_matrix(k, length_m, normal, r_te, r_tm, wavelength_m, polarised=polarised)[:, 0, 0]
    return rows, material, cosine, share
