"""The few chart verbs the notebooks share: before and after, a line with its interval, bars, events on a time line.

Each draws on given axes and labels what it can; the title, which states the finding, is the notebook's.
"""

import numpy as np

from dnt_lab.viz._checks import numbers, with_unit
from dnt_lab.viz.style import COLORS, CYCLE, SEQUENTIAL, role_style

MAX_ROWS = 40


def dumbbell(ax, labels, before, after, *, label: str, higher_is_better: bool = True, tolerance: float = 0.05) -> None:
    """Draw each row's value before and after a change, joined by a line; better and worse differ in colour and shape.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        Axes to draw on; the first row is at the top.
    labels : sequence of str, length N
        Names of the rows, at most 40.
    before, after : array_like, shape (N,)
        The values.
    label : str
        Label of the value axis with its unit, such as "SINR (dB)".
    higher_is_better : bool
        Whether a rise is drawn as good.
    tolerance : float
        Changes up to this count as none (in the values' unit).

    Raises
    ------
    ValueError
        If lengths do not fit, there are too many rows, or the label lacks a unit.
    """
    names = _row_names(labels)
    before = numbers("before", before, (len(names),), allow_nan=False)
    after = numbers("after", after, (len(names),), allow_nan=False)
    change = after - before if higher_is_better else before - after
    rows = np.arange(len(names))
    kinds = {
        "better": (change > tolerance, COLORS["good"]),
        "worse": (change < -tolerance, COLORS["bad"]),
        "as before": (np.abs(change) <= tolerance, COLORS["baseline"]),
    }
    for name, (of, color) in kinds.items():
        ax.hlines(rows[of], before[of], after[of], color=color, linewidth=2.2, zorder=2)
        if of.any():
            rise = (after > before)[of].all()
            marker = "o" if name == "as before" else (">" if rise else "<")
            ax.plot(after[of], rows[of], marker, color=color, ms=8, zorder=4, label=f"after: {name} ({of.sum()})")
    ax.plot(before, rows, "o", mfc="white", mec="#555555", ms=6, zorder=3, label="before")
    ax.set(xlabel=with_unit("label", label), ylim=(len(names) - 0.4, -0.6))
    ax.set_yticks(rows, names)
    ax.grid(False, axis="y")
    ax.legend(loc="upper left", bbox_to_anchor=(1, 1), borderaxespad=0)


def band(ax, x, middle, low, high, *, label: str, role: str | None = None, color=None) -> None:
    """Draw a line with the interval around it.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        Axes to draw on.
    x, middle, low, high : array_like, shape (N,)
        Abscissa, line (mean or median) and the interval's ends, ``low <= middle <= high``. NaN leaves a gap.
    label : str
        Name in the legend.
    role : str, optional
        A role of ``viz.COLORS``, which sets colour, line style and marker.
    color : colour, optional
        Colour where no role fits; else the next of the cycle.

    Raises
    ------
    ValueError
        If lengths do not fit or the line leaves its interval.
    """
    x = numbers("x", x, allow_nan=False)
    middle, low, high = (numbers(n, v, x.shape) for n, v in (("middle", middle), ("low", low), ("high", high)))
    if (low > middle).any() or (middle > high).any():
        at = x[(low > middle) | (middle > high)][0]
        raise ValueError(f"the line leaves its interval at x = {at:g}; it must be low <= middle <= high everywhere.")
    style = role_style(role) if role else ({"color": color} if color else {})
    (line,) = ax.plot(x, middle, label=label, **style)
    ax.fill_between(x, low, high, color=line.get_color(), alpha=0.18, linewidth=0)


def bars(ax, labels, values, low=None, high=None, *, label: str, roles=None, decimals: int | None = None) -> None:
    """Draw horizontal bars, with intervals if given and the value written at the end.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        Axes to draw on; the first bar is at the top.
    labels : sequence of str, length N
        Names of the bars, at most 40.
    values : array_like, shape (N,)
        Lengths of the bars.
    low, high : array_like, shape (N,), optional
        Ends of the intervals, ``low <= values <= high``.
    label : str
        Label of the value axis with its unit.
    roles : sequence of str, length N, optional
        Roles of ``viz.COLORS``, one a bar.
    decimals : int, optional
        Write the values with so many decimals; nothing is written if left out.

    Raises
    ------
    ValueError
        If lengths do not fit, only one of low and high is given, or a value leaves its interval.
    """
    names = _row_names(labels)
    values = numbers("values", values, (len(names),), allow_nan=False)
    if (low is None) != (high is None):
        raise ValueError("only one of low and high was given; an interval needs both.")
    if roles is not None and len(roles) != len(names):
        raise ValueError(f"roles has {len(roles)} items; it must have {len(names)}, one a bar.")
    rows, ends, colors = np.arange(len(names)), values, CYCLE[0]
    if roles is not None:
        colors = [role_style(role)["color"] for role in roles]
    ax.barh(rows, values, height=0.62, color=colors)
    if low is not None:
        low, high = numbers("low", low, values.shape), numbers("high", high, values.shape)
        if (low > values).any() or (values > high).any():
            bar = names[int(np.flatnonzero((low > values) | (values > high))[0])]
            raise ValueError(f"the value of {bar!r} leaves its interval; it must be low <= value <= high.")
        ax.errorbar(values, rows, xerr=[values - low, high - values], fmt="none", ecolor="#1a1a1a", elinewidth=1.5)
        ends = np.fmax(values, high)
    if decimals is not None:
        for row, end, value in zip(rows, ends, values, strict=True):
            ax.annotate(f"{value:.{decimals}f}", (max(end, 0), row), (6, 0), textcoords="offset points", va="center")
        ax.margins(x=0.12)
    ax.set(xlabel=with_unit("label", label), ylim=(len(names) - 0.4, -0.6))
    ax.set_yticks(rows, names)
    ax.grid(False, axis="y")


def timeline(
    ax, time_s, lane, lanes, values=None, *, label: str | None = None, marker: str = "o", name: str = ""
) -> None:
    """Draw events as points on named lanes over time, coloured by a value if given.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        Axes to draw on; the first lane is at the top.
    time_s : array_like, shape (N,)
        When the events happen.
    lane : array_like of int, shape (N,)
        Lane of each event, an index into `lanes`.
    lanes : sequence of str
        Names of the lanes, at most 40.
    values : array_like, shape (N,), optional
        What the colour tells, such as staleness.
    label : str, optional
        Label of the colour bar with its unit; needed with `values`.
    marker : str
        Marker; a second call with another one adds a second kind of event.
    name : str
        Name in the legend.

    Raises
    ------
    ValueError
        If lengths do not fit, a lane does not exist, or the label lacks a unit.
    """
    names = _row_names(lanes)
    time_s = numbers("time_s", time_s, allow_nan=False)
    lane = np.asarray(lane, dtype=int)
    if time_s.ndim != 1 or lane.shape != time_s.shape:
        raise ValueError(f"time_s {time_s.shape} and lane {lane.shape} differ; both must be (N,), one per event.")
    if len(lane) and not 0 <= lane.min() <= lane.max() < len(names):
        raise ValueError(f"lane runs from {lane.min()} to {lane.max()}; it must be within 0 to {len(names) - 1}.")
    look = {"s": 46, "marker": marker, "edgecolors": "#222222", "linewidths": 0.6, "label": name or None, "zorder": 3}
    if values is None:
        ax.scatter(time_s, lane, color=CYCLE[0], **look)
    else:
        points = ax.scatter(time_s, lane, c=numbers("values", values, time_s.shape), cmap=SEQUENTIAL, **look)
        ax.figure.colorbar(points, ax=ax, label=with_unit("label", label), pad=0.02, aspect=25)
    ax.set(xlabel="time (s)", ylim=(len(names) - 0.4, -0.6))
    ax.set_yticks(np.arange(len(names)), names)


def _row_names(labels) -> list[str]:
    if isinstance(labels, str):
        raise TypeError(f"labels is the string {labels!r}; it must be a list with one name per row.")
    names = [str(label) for label in labels]
    if not 1 <= len(names) <= MAX_ROWS:
        raise ValueError(f"{len(names)} rows were given; there must be 1 to {MAX_ROWS}, more cannot be read.")
    return names
