"""What a receiver gets over one link: when it arrives (power over delay) and from where (angles on a compass).

Both fix their range by `gain_range_db`, so that pictures of a moving user can be compared, and use the colours and
markers of `draw_rays`, so that one legend explains all three.
"""

import numpy as np

from dnt_lab.viz._ray_looks import HALO, LOOKS, checked_paths, checked_range, looks_of, range_db

_HEADROOM_DB = 3.0


def power_delay(ax, paths, *, gain_range_db=None, delay_range_ns=None) -> None:
    """Draw the gain of each path over its delay, a stem a path (the power delay profile).

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        Axes to draw on.
    paths : raytracing.Paths
        The paths, best of one link: ``paths.link(3)``. Those below the range are not drawn.
    gain_range_db : (float, float), optional
        Lower and upper end of the axis in dB; the strongest path and 40 dB less if left out.
    delay_range_ns : (float, float), optional
        Ends of the delay axis in nanoseconds.

    Raises
    ------
    TypeError
        If `paths` is something else.
    ValueError
        If a range is not (low, high).
    """
    gain_db, (low_db, high_db) = _gains(paths, gain_range_db)
    delay_ns = np.asarray(paths.delay_s) * 1e9
    for of, look in _kinds(paths, gain_db >= low_db):
        ax.vlines(delay_ns[of], low_db, gain_db[of], colors=look.color, linestyles=[look.linestyle], lw=1.6)
        ax.plot(delay_ns[of], gain_db[of], look.marker, color=look.color, mec="white", mew=0.6, ms=7, label=look.name)
    ax.set(xlabel="delay (ns)", ylabel="path gain (dB)", ylim=(low_db, high_db))
    if delay_range_ns is not None:
        ax.set_xlim(checked_range("delay_range_ns", delay_range_ns))


def angles(ax, paths, *, end: str, gain_range_db=None) -> None:
    """Draw where paths leave or arrive: azimuth as on the map (0 is +x, 90 is +y), gain as distance from the middle.

    Parameters
    ----------
    ax : matplotlib.projections.polar.PolarAxes
        Axes made with ``projection="polar"``.
    paths : raytracing.Paths
        The paths, best of one link. Those below the range are not drawn.
    end : {"departure", "arrival"}
        Departure at the transmitter: hollow markers. Arrival at the receiver, towards where the wave comes from: full
        markers. Both may be drawn on the same axes.
    gain_range_db : (float, float), optional
        Gain of the middle and of the rim in dB; the strongest path and 40 dB less if left out.

    Raises
    ------
    TypeError
        If `paths` is something else.
    ValueError
        If the axes are not polar, or `end` or the range is wrong.
    """
    if ax.name != "polar":
        raise ValueError(f"ax is {ax.name}; it must be polar, as plt.subplot(projection='polar') makes it.")
    if end not in ("departure", "arrival"):
        raise ValueError(f"end is {end!r}; it must be 'departure' or 'arrival'.")
    gain_db, (low_db, high_db) = _gains(paths, gain_range_db)
    azimuth_rad = np.deg2rad((paths.aod_deg if end == "departure" else paths.aoa_deg)[:, 1])
    for of, look in _kinds(paths, gain_db >= low_db):
        rim = {"mfc": "white", "mew": 1.4} if end == "departure" else {"mec": "white", "mew": 0.6}
        ax.vlines(azimuth_rad[of], low_db, gain_db[of], colors=look.color, linestyles=[look.linestyle], lw=1.6)
        ax.plot(
            azimuth_rad[of], gain_db[of], look.marker, color=look.color, ms=7, label=look.name, clip_on=False,
            zorder=3, **rim,
        )  # fmt: skip
    ax.set_rlim(low_db, high_db)
    ax.set_thetagrids(range(0, 360, 90), ["0°", "90°", "180°", "−90°"])
    middle_db = round((low_db + high_db) / 2)
    ax.set_rgrids([middle_db, high_db], ["", ""])
    name = f"{middle_db:g} dB".replace("-", "−")
    ax.annotate(name, (np.pi / 2, middle_db), ha="center", va="center", fontsize=9, color="#555555", path_effects=HALO)
    ax.tick_params(axis="x", pad=1)


def _gains(paths, gain_range_db):
    """Gains, and the range of the axis: with a little room above the strongest if it is not given."""
    gain_db = np.asarray(checked_paths(paths).gain_db)
    low_db, high_db = range_db(gain_db[np.isfinite(gain_db)], gain_range_db)
    if (gain_db > high_db).any():
        raise ValueError(
            f"a path has {gain_db.max():.1f} dB, above gain_range_db {tuple(gain_range_db)}; it must hold all."
        )
    return gain_db, (low_db, high_db + _HEADROOM_DB * (gain_range_db is None))


def _kinds(paths, shown):
    """Rows and look of each kind of ray among the shown ones."""
    look = looks_of(paths)
    for number, kind in enumerate(LOOKS):
        of = np.flatnonzero(shown & (look == number))
        if len(of):
            yield of, kind
