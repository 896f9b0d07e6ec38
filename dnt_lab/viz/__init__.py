"""Pictures and widgets: one look, alternative text everywhere, readable in grey and by colour-blind readers.

>>> from dnt_lab import viz
>>> viz.use_style()
>>> fig, ax = plt.subplots()
>>> ...
>>> viz.show(fig, alt="Line chart: the twin's error grows with the telemetry's delay.")
"""

from dnt_lab.viz.show import show
from dnt_lab.viz.style import (
    COLORS,
    CYCLE,
    DIVERGING,
    MARKERS,
    SEQUENTIAL,
    SIZES,
    STYLES,
    role_style,
    use_style,
)
from dnt_lab.viz.widgets import Frames, choice, frames

__all__ = [
    "COLORS",
    "CYCLE",
    "DIVERGING",
    "MARKERS",
    "SEQUENTIAL",
    "SIZES",
    "STYLES",
    "Frames",
    "choice",
    "frames",
    "role_style",
    "show",
    "use_style",
]
