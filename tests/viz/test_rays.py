"""Rays on maps, in delay and angle plots: each ray lies where geometry says, and looks the same in all of them."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.collections import LineCollection
from matplotlib.colors import rgb_to_hsv, to_rgb, to_rgba

from dnt_lab import viz
from dnt_lab.viz._png import checked_png
from dnt_lab.viz._ray_looks import DIFFUSE, LOOKS
from tests.viz.links import RX_M, TX_M, WALL_Y_M, link_paths, street

ALT = "Street from above with the rays of one link."


@pytest.fixture(scope="module")
def paths():
    return link_paths()


@pytest.fixture
def polar():
    return plt.subplots(subplot_kw={"projection": "polar"})[1]


def rays_of(ax):
    return [c for c in ax.collections if isinstance(c, LineCollection)]


def names_of(ax):
    return ax.get_legend_handles_labels()[1]


def test_rays_run_from_transmitter_by_their_reflections_to_the_receiver(ax, paths):
    viz.draw_rays(ax, paths, rx=0)
    two, one, los = sorted(rays_of(ax), key=lambda c: c.get_zorder())  # the line of sight lies on top
    assert np.array_equal(los.get_segments()[0], [TX_M[0, :2], RX_M[0, :2]])
    middle = (TX_M[0, 0] + RX_M[0, 0]) / 2
    at_wall = [s for s in one.get_segments() if s[1, 1] == pytest.approx(WALL_Y_M)]
    assert len(one.get_segments()) == 2 and len(at_wall) == 1 and at_wall[0][1, 0] == pytest.approx(middle)
    assert [len(s) for s in two.get_segments()] == [4]
    assert names_of(ax) == ["line of sight", "1 reflection", "2 reflections", "transmitter", "receiver"]
    assert ax.get_aspect() == 1


def test_strong_rays_are_thick_and_a_given_range_fixes_the_widths(ax, paths):
    viz.draw_rays(ax, paths, rx=0)
    strongest = max(rays_of(ax), key=lambda c: c.get_zorder())
    assert strongest.get_linewidths() == pytest.approx([2.8])
    widths = np.concatenate([c.get_linewidths() for c in rays_of(ax)])
    assert len(np.unique(widths)) > 2 and widths.min() >= 1.1
    other = plt.subplots()[1]
    viz.draw_rays(other, paths, rx=0, gain_range_db=(-100.0, -60.0))
    los_db = paths.gain_db[0]
    expected = 1.1 + 1.7 * (los_db + 100) / 40
    assert max(rays_of(other), key=lambda c: c.get_zorder()).get_linewidths() == pytest.approx([expected])


def test_diffuse_paths_and_those_without_gain_are_not_drawn(ax, paths):
    viz.draw_rays(ax, paths, rx=1)
    assert names_of(ax) == ["line of sight", "transmitter", "receiver"]


def test_a_receiver_that_nothing_reaches_is_an_empty_ring(ax, paths):
    viz.draw_rays(ax, paths, rx=2)
    assert names_of(ax) == ["transmitter", "receiver without a path"] and rays_of(ax) == []
    viz.draw_rays(ax, paths)
    lit = [line for line in ax.lines if line.get_label() == "receiver"]
    assert np.array_equal(lit[0].get_xydata(), RX_M[:2, :2])


def test_colour_may_tell_the_gain_then_the_strongest_is_darkest(ax, paths):
    bar = viz.draw_rays(ax, paths, rx=0, color="gain", gain_range_db=(-110, -70))
    assert bar.ax.get_ylabel() == "path gain (dB)" and bar.mappable.get_clim() == (-110, -70)
    colors = np.concatenate([c.get_colors() for c in rays_of(ax)])
    widths = np.concatenate([c.get_linewidths() for c in rays_of(ax)])
    brightness = colors[:, :3] @ [0.299, 0.587, 0.114]
    assert (np.diff(brightness[np.argsort(widths)]) <= 0).all() and np.ptp(brightness) > 0.05
    ax.set(title="Rays by their gain", xlabel="x (m)", ylabel="y (m)")
    checked_png(ax.figure, ALT)


def test_kinds_differ_in_grey_by_brightness_or_dashes():
    looks = LOOKS[:DIFFUSE]
    assert looks[0].dash == () and len({look.marker for look in LOOKS}) == len(LOOKS)
    for i, one in enumerate(looks):
        for other in looks[i + 1 :]:
            brightness = abs(np.subtract(to_rgb(one.color), to_rgb(other.color)) @ [0.299, 0.587, 0.114])
            assert one.dash != other.dash and (brightness > 0.15 or sum(one.dash) > 1.5 * sum(other.dash))


def test_delay_profile_puts_each_path_at_its_delay_and_gain(ax, paths):
    link = paths.link(0)
    viz.power_delay(ax, link, gain_range_db=(-120, -70), delay_range_ns=(0, 300))
    drawn = np.concatenate([line.get_xydata() for line in ax.lines])
    expected = np.column_stack([link.delay_s * 1e9, link.gain_db])
    assert drawn[np.lexsort(drawn.T)] == pytest.approx(expected[np.lexsort(expected.T)])
    stems = np.concatenate([c.get_segments() for c in rays_of(ax)])
    assert (stems[:, 0, 1] == -120).all()
    assert ax.get_ylim() == (-120, -70) and ax.get_xlim() == (0, 300)
    assert names_of(ax) == ["line of sight", "1 reflection", "2 reflections"]
    ax.set_title("Four echoes")
    checked_png(ax.figure, "Stem plot: four paths, the first is the strongest.")


def test_paths_below_the_range_or_without_gain_are_left_out(ax, paths):
    viz.power_delay(ax, paths.link(1))
    assert names_of(ax) == ["line of sight", "diffuse"]
    weakest_db = paths.link(0).gain_db.min()
    other = plt.subplots()[1]
    viz.power_delay(other, paths.link(0), gain_range_db=(weakest_db + 0.1, -70))
    assert sum(len(line.get_xdata()) for line in other.lines) == len(paths.link(0)) - 1


def test_a_link_without_paths_is_an_empty_plot_of_the_same_size(ax, polar, paths):
    viz.power_delay(ax, paths.link(2), gain_range_db=(-120, -70))
    viz.angles(polar, paths.link(2), end="arrival", gain_range_db=(-120, -70))
    assert ax.get_ylim() == (polar.get_rmin(), polar.get_rmax()) == (-120, -70)
    viz.power_delay(ax, paths.link(2))


@pytest.mark.parametrize(("end", "at"), [("departure", 0.0), ("arrival", np.pi)])
def test_angles_point_along_the_map(polar, paths, end, at):
    viz.angles(polar, paths.link(0), end=end)
    drawn = {line.get_label(): line.get_xydata() for line in polar.lines}
    assert np.cos(drawn["line of sight"][0, 0] - at) == pytest.approx(1)
    wall = drawn["1 reflection"][np.abs(np.sin(drawn["1 reflection"][:, 0])) > 0.01]
    ahead = np.arctan2(WALL_Y_M, 30.0)
    assert wall[:, 0] == pytest.approx([ahead if end == "departure" else np.pi - ahead])
    hollow = to_rgba(polar.lines[0].get_markerfacecolor()) == to_rgba("white")
    assert hollow == (end == "departure")
    polar.set_title("Two ways")
    checked_png(polar.figure, "Compass with the directions of four paths.")


def test_one_legend_explains_map_delays_and_angles(paths):
    fig = plt.figure(figsize=(8.5, 3.6))
    parts = fig.subplot_mosaic([["map", "delay", "angle"]], per_subplot_kw={"angle": {"projection": "polar"}})
    viz.draw_scene(parts["map"], street())
    viz.draw_rays(parts["map"], paths, rx=0)
    viz.power_delay(parts["delay"], paths.link(0))
    viz.angles(parts["angle"], paths.link(0), end="arrival")
    colors = [
        {line.get_label(): line.get_color() for line in part.lines if line.get_label() in names_of(parts["delay"])}
        for part in parts.values()
    ]
    assert colors[0] == colors[1] == colors[2] and len(colors[0]) == 3
    assert all(rgb_to_hsv(to_rgb(c))[2] < 0.95 for c in colors[0].values())  # visible on white
    fig.suptitle("Four paths reach the user")
    fig.legend(*parts["map"].get_legend_handles_labels(), loc="outside lower center", ncols=5)
    assert len(checked_png(fig, "Three panels: map with rays, delays, angles.")) < 40_000


@pytest.mark.parametrize(
    ("call", "error", "sentence"),
    [
        (lambda ax, p: viz.draw_rays(ax, [1, 2]), TypeError, "paths is a list without tx_m; it must be a raytracing"),
        (lambda ax, p: viz.draw_rays(ax, p, rx=3), ValueError, "rx is 3; it must be a row number from 0 to 2"),
        (lambda ax, p: viz.draw_rays(ax, p, tx=0.5), ValueError, "tx is 0.5; it must be a row number from 0 to 0"),
        (lambda ax, p: viz.draw_rays(ax, p, color="red"), ValueError, "color is 'red'; it must be 'order' or 'gain'"),
        (lambda ax, p: viz.draw_rays(ax, p, gain_range_db=(-50, -90)), ValueError, r"gain_range_db is \(-50, -90\)"),
        (lambda ax, p: viz.power_delay(ax, p, gain_range_db=-50), ValueError, r"gain_range_db has shape \(\)"),
        (lambda ax, p: viz.power_delay(ax, p, gain_range_db=(-130, -100)), ValueError, "above gain_range_db .*-100"),
        (lambda ax, p: viz.power_delay(ax, p, delay_range_ns=(9, 1)), ValueError, r"delay_range_ns is \(9, 1\)"),
        (lambda ax, p: viz.angles(ax, p, end="arrival"), ValueError, "ax is rectilinear; it must be polar"),
    ],
)
def test_ray_pictures_refuse(ax, paths, call, error, sentence):
    with pytest.raises(error, match=sentence):
        call(ax, paths)


def test_angles_refuse_an_end_that_is_none(polar, paths):
    with pytest.raises(ValueError, match="end is 'rx'; it must be 'departure' or 'arrival'"):
        viz.angles(polar, paths, end="rx")
