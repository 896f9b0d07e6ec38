"""Pictures and widgets: one look, alternative text everywhere, readable in grey and by colour-blind readers.

>>> from dnt_lab import viz
>>> viz.use_style()
>>> fig, ax = plt.subplots()
>>> ...
>>> viz.show(fig, alt="Line chart: the twin's error grows with the telemetry's delay.")
"""

from dnt_lab.viz.charts import band, bars, dumbbell, timeline
from dnt_lab.viz.maps import draw_city, radio_map
from dnt_lab.viz.network import draw_cells, draw_links, draw_users
from dnt_lab.viz.ray_charts import angles, power_delay
from dnt_lab.viz.rays import draw_rays
from dnt_lab.viz.scenes import draw_scene
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
from dnt_lab.viz.traffic import bars_and_lines, cluster_map, stacked_bars
from dnt_lab.viz.view3d import SceneView, scene_view
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
    "SceneView",
    "angles",
    "band",
    "bars",
    "bars_and_lines",
    "choice",
    "cluster_map",
    "draw_cells",
    "draw_city",
    "draw_links",
    "draw_rays",
    "draw_scene",
    "draw_users",
    "dumbbell",
    "frames",
    "power_delay",
    "radio_map",
    "role_style",
    "scene_view",
    "show",
    "stacked_bars",
    "timeline",
    "use_style",
]
