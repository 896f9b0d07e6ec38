"""One look for every figure: colours with a meaning, line styles that carry it in grey, sizes.

The seven colours are those of Okabe and Ito (without yellow, which vanishes on white), ordered so that the first four
also differ in grey. Roles give the same thing the same colour in all notebooks:

>>> from dnt_lab import viz
>>> viz.use_style()
>>> viz.COLORS["twin"]
'#0072B2'

Sources: M. Okabe and K. Ito, "Color Universal Design", 2008; B. Wong, "Points of view: Color blindness",
Nature Methods 8:441, 2011.
"""

from types import MappingProxyType

import matplotlib.pyplot as plt

CYCLE = ("#0072B2", "#E69F00", "#1a1a1a", "#009E73", "#CC79A7", "#D55E00", "#56B4E9")
GREY_SAFE = 4  # this many of CYCLE may be used where colour is the only mark

COLORS = MappingProxyType(
    {
        "physical": "#1a1a1a",
        "twin": "#0072B2",
        "isolated": "#E69F00",
        "baseline": "#A6A6A6",
        "good": "#009E73",
        "bad": "#D55E00",
    }
)

# What `ax.plot(x, y, **STYLES["twin"])` needs: the role is told by line style and marker too, not by colour alone.
STYLES = MappingProxyType(
    {
        "physical": {"color": COLORS["physical"], "linestyle": "-", "marker": "", "linewidth": 2.4},
        "twin": {"color": COLORS["twin"], "linestyle": "-", "marker": "o", "markevery": 0.1},
        "isolated": {"color": COLORS["isolated"], "linestyle": "--", "marker": "s", "markevery": 0.1},
        "baseline": {"color": COLORS["baseline"], "linestyle": ":", "marker": "", "linewidth": 2.4},
        "good": {"color": COLORS["good"], "linestyle": "-", "marker": "^", "markevery": 0.1},
        "bad": {"color": COLORS["bad"], "linestyle": "-.", "marker": "v", "markevery": 0.1},
    }
)
MARKERS = ("o", "s", "^", "D", "v", "P", "X")

SEQUENTIAL = "viridis"  # lightness rises evenly; cividis does too, but its middle is lost on grey buildings
DIVERGING = "RdBu"  # red is low (bad), blue is high (good)

SIZES = MappingProxyType({"wide": (7.2, 3.0), "normal": (7.2, 4.0), "tall": (7.2, 5.6), "map": (6.6, 5.6)})


def use_style() -> None:
    """Set the look of all figures drawn from now on; the first code cell of a notebook calls it."""
    plt.style.use("dnt_lab.viz.dnt_lab")


def role_style(role: str) -> dict:
    """Colour, line style and marker of a role, ready for ``ax.plot``.

    Parameters
    ----------
    role : str
        One of the keys of ``COLORS``.

    Returns
    -------
    dict
        Keyword arguments of ``ax.plot``; a copy, so it may be changed.

    Raises
    ------
    ValueError
        If no such role exists.
    """
    if role not in STYLES:
        raise ValueError(f"role {role!r} is not known; it must be one of {', '.join(STYLES)}.")
    return dict(STYLES[role])
