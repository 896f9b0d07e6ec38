"""What walls are made of: how much of a wave they reflect.

A material answers one question, ``reflection(cos_incidence, freq_hz) -> (r_te, r_tm)``. Three kinds are here:
`Material` (fixed permittivity and conductivity), `ItuMaterial` (the table of ITU-R P.2040-4, both follow the
frequency) and `FixedLoss` (so many dB a bounce, as measured indoors). A wall is a slab of `thickness_m` with air
behind it, or, with ``thickness_m=None``, so thick that nothing comes back from its rear.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from numbers import Real

import numpy as np

from dnt_lab.raytracing.fresnel import complex_permittivity, slab
from dnt_lab.raytracing.itu_table import ITU_MATERIALS, ITU_ROWS, itu_values

WALL_THICKNESS_M = 0.1
"""Thickness of a wall whose material is given by name only; the same as Sionna RT's."""


@dataclass(frozen=True)
class Material:
    """A wall whose permittivity and conductivity do not depend on the frequency.

    Attributes
    ----------
    relative_permittivity : float
        Real part of the relative permittivity, 1 or more.
    conductivity_s_per_m : float
        Conductivity in S/m, 0 or more.
    thickness_m : float or None
        Thickness of the slab in metres, 0 or more; None is a half-space.
    name : str
        What to call it; a scene gives an unnamed material its numbers as a name.

    Raises
    ------
    TypeError, ValueError
        If a number is none, not finite or out of its range.

    Examples
    --------
    >>> r_te, r_tm = Material(5.24, 0.626).reflection([1.0, 0.5], 28e9)
    >>> (-20 * np.log10(np.abs(r_te))).round(2)
    array([8.11, 4.16])
    """

    relative_permittivity: float
    conductivity_s_per_m: float = 0.0
    thickness_m: float | None = None
    name: str = ""

    def __post_init__(self):
        for field, low in (("relative_permittivity", 1.0), ("conductivity_s_per_m", 0.0)):
            object.__setattr__(self, field, _number(field, getattr(self, field), low))
        _check_thickness_and_name(self)

    def reflection(self, cos_incidence, freq_hz: float, *, extrapolate: bool = False):
        """Reflection coefficients.

        Parameters
        ----------
        cos_incidence : array_like
            Cosine of the angle between the ray and the wall's normal, 0 to 1.
        freq_hz : float
            Frequency in Hz.
        extrapolate : bool
            Not needed here: a fixed material holds at any frequency.

        Returns
        -------
        r_te, r_tm : ndarray of complex, shape of `cos_incidence`
            Reflected over incident field, across and in the plane of incidence.

        Raises
        ------
        ValueError
            If a cosine is not in 0..1 or the frequency is not above 0.
        """
        return slab(cos_incidence, *self.layer(freq_hz), freq_hz)

    def layer(self, freq_hz: float, *, extrapolate: bool = False) -> tuple[complex, float]:
        """Return complex permittivity and thickness in metres (infinite for a half-space), as `slab` takes them."""
        eta = complex_permittivity(self.relative_permittivity, self.conductivity_s_per_m, _frequency(freq_hz))
        return complex(eta), np.inf if self.thickness_m is None else self.thickness_m


@dataclass(frozen=True)
class ItuMaterial:
    """A material of ITU-R P.2040-4; `itu_material` makes one from any spelling of the name.

    Attributes
    ----------
    itu : str
        Name in the table, one of `ITU_MATERIALS`.
    thickness_m : float or None
        Thickness of the slab in metres, 0 or more; None is a half-space.
    name : str
        What to call it; by default as in the table.

    Raises
    ------
    TypeError, ValueError
        If the table has no such material or the thickness is no length.
    """

    itu: str
    thickness_m: float | None = WALL_THICKNESS_M
    name: str = ""

    def __post_init__(self):
        if self.itu not in ITU_ROWS:
            raise ValueError(f"itu is {self.itu!r}, but must be one of {', '.join(ITU_MATERIALS)}")
        object.__setattr__(self, "name", self.name or self.itu)
        _check_thickness_and_name(self)

    def at(self, freq_hz: float, *, extrapolate: bool = False) -> Material:
        """Return the material with the permittivity and conductivity of one frequency.

        Parameters
        ----------
        freq_hz : float
            Frequency in Hz.
        extrapolate : bool
            True takes the formula of the nearest range (as a ratio of frequencies) outside all of them.

        Raises
        ------
        ValueError
            If the table does not hold at `freq_hz` and `extrapolate` is False.

        Examples
        --------
        >>> round(itu_material("glass").at(28e9).conductivity_s_per_m, 5)
        0.31234
        """
        values = itu_values(self.itu, _frequency(freq_hz), extrapolate=extrapolate)
        return Material(*values, self.thickness_m, self.name)

    def reflection(self, cos_incidence, freq_hz: float, *, extrapolate: bool = False):
        """Reflection coefficients as in `Material.reflection`, at the permittivity of `freq_hz`.

        Raises
        ------
        ValueError
            If a cosine is not in 0..1, or the table does not hold at `freq_hz` and `extrapolate` is False.
        """
        return self.at(freq_hz, extrapolate=extrapolate).reflection(cos_incidence, freq_hz)

    def layer(self, freq_hz: float, *, extrapolate: bool = False) -> tuple[complex, float]:
        """Return complex permittivity and thickness as `Material.layer`, at the permittivity of `freq_hz`."""
        return self.at(freq_hz, extrapolate=extrapolate).layer(freq_hz)


@dataclass(frozen=True)
class FixedLoss:
    """A wall that takes the same number of dB from every bounce, whatever the angle: a lossy mirror.

    Attributes
    ----------
    loss_db : float
        Loss of a bounce in dB, 0 or more.
    freq_range_hz : (float, float)
        Where the loss was measured, in Hz; other frequencies are refused unless extrapolation is asked for.
    name : str
        What to call it; a scene gives an unnamed material its loss as a name.

    Raises
    ------
    TypeError, ValueError
        If the loss is no finite number of dB, 0 or more, or the range is empty.

    Examples
    --------
    >>> FixedLoss(20.0).reflection([1.0, 0.2], 60e9)[1].real
    array([0.1, 0.1])
    """

    loss_db: float
    freq_range_hz: tuple[float, float] = (0.0, np.inf)
    name: str = ""

    def __post_init__(self):
        object.__setattr__(self, "loss_db", _number("loss_db", self.loss_db, 0.0))
        low_high = np.asarray(self.freq_range_hz, float)
        if low_high.shape != (2,) or not 0 <= low_high[0] <= low_high[1]:
            raise ValueError(f"freq_range_hz is {self.freq_range_hz!r}, but must be (lowest, highest) in Hz")
        object.__setattr__(self, "freq_range_hz", tuple(low_high.tolist()))
        _check_name(self)

    def reflection(self, cos_incidence, freq_hz: float, *, extrapolate: bool = False):
        """Reflection coefficients: ``r_tm = -r_te = 10**(-loss_db / 20)``, the signs of a metal mirror.

        Raises
        ------
        ValueError
            If `freq_hz` is outside `freq_range_hz` and `extrapolate` is False.
        """
        freq_hz = _frequency(freq_hz)
        low, high = self.freq_range_hz
        if not (low <= freq_hz <= high or extrapolate):
            raise ValueError(
                f"{self.name or 'the fixed loss'} is not known at {freq_hz / 1e9:g} GHz, but in "
                f"{low / 1e9:g}-{high / 1e9:g} GHz; extrapolate=True takes it as it is"
            )
        r_tm = np.full(np.shape(cos_incidence), 10 ** (-self.loss_db / 20), complex)
        return -r_tm, r_tm


def itu_material(name: str, thickness_m: float | None = WALL_THICKNESS_M) -> ItuMaterial:
    """Return a material of ITU-R P.2040-4 by name.

    Parameters
    ----------
    name : str
        One of `ITU_MATERIALS`, with or without ``itu_`` before it, with spaces or underscores.
    thickness_m : float or None
        Thickness of the slab in metres, 0 or more; None is a half-space.

    Raises
    ------
    TypeError, ValueError
        If there is no such material or the thickness is no length.

    Examples
    --------
    >>> itu_material("itu_ceiling board", thickness_m=0.02)
    ItuMaterial(itu='ceiling_board', thickness_m=0.02, name='ceiling_board')
    """
    key = plain_name(name) if isinstance(name, str) else name
    if not isinstance(key, str) or key not in ITU_ROWS:
        raise ValueError(f"the material '{name}' is not in ITU-R P.2040-4, which knows {', '.join(ITU_MATERIALS)}")
    return ItuMaterial(key, thickness_m)


def material_of(what):
    """Return a material from a material (as it is) or from the name of an ITU material.

    Raises
    ------
    TypeError
        If `what` is neither.
    ValueError
        If there is no material of that name.
    """
    if isinstance(what, str):
        return itu_material(what)
    is_material = not isinstance(what, type) and callable(getattr(what, "reflection", None))
    if is_material and isinstance(getattr(what, "name", None), str):
        return what
    raise TypeError(f"the material is {what!r}, but must be a Material, another material or a name such as 'concrete'")


def named(material, name: str = ""):
    """Return the material, called `name` (by default its numbers) if it has no name yet."""
    if material.name:
        return material
    if not name and isinstance(material, Material):
        thickness = "half-space" if material.thickness_m is None else f"{material.thickness_m!r} m"
        name = f"{material.relative_permittivity!r}, {material.conductivity_s_per_m!r} S/m, {thickness}"
    if not name and isinstance(material, FixedLoss):
        low, high = material.freq_range_hz
        name = f"{material.loss_db!r} dB" + (f" at {low!r}-{high!r} Hz" if (low, high) != (0, np.inf) else "")
    return replace(material, name=name or repr(material))


def plain_name(name: str) -> str:
    """Spell a material's name as the ITU table does: small letters, underscores, no ``itu_`` before it."""
    return name.strip().lower().replace(" ", "_").replace("-", "_").removeprefix("itu_")


def _number(name: str, value, low: float) -> float:
    if isinstance(value, bool) or not isinstance(value, Real):
        raise TypeError(f"{name} is {value!r}, but must be a number, {low:g} or more")
    if not low <= value < np.inf:
        raise ValueError(f"{name} is {value}, but must be a finite number, {low:g} or more")
    return float(value)


def _frequency(freq_hz) -> float:
    if isinstance(freq_hz, bool) or not isinstance(freq_hz, Real):
        raise TypeError(f"freq_hz is {freq_hz!r}, but must be a number of Hz above 0")
    if not 0 < freq_hz < np.inf:
        raise ValueError(f"freq_hz is {freq_hz}, but must be a finite number of Hz above 0")
    return float(freq_hz)


def _check_thickness_and_name(material):
    if material.thickness_m is not None:
        object.__setattr__(material, "thickness_m", _number("thickness_m", material.thickness_m, 0.0))
    _check_name(material)


def _check_name(material):
    if not isinstance(material.name, str):
        raise TypeError(f"name is {material.name!r}, but must be text")
