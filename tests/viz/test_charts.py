"""Chart verbs: the numbers end up where they belong, and the figures pass the house rules."""

from itertools import pairwise

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.collections import PathCollection

from dnt_lab import viz
from dnt_lab.viz._png import checked_png

ALT = "A chart that shows what its title says."


def passes_the_rules(ax):
    ax.set_title("The finding stands here")
    checked_png(ax.figure, ALT)
    boxes = [tick.get_window_extent() for tick in ax.get_yticklabels() if tick.get_text()]
    return all(not one.overlaps(other) for one, other in pairwise(boxes))


@pytest.mark.parametrize("higher_is_better", [True, False])
def test_dumbbell_tells_better_from_worse(ax, higher_is_better):
    names = ["user 1", "user 2", "user 3"]
    viz.dumbbell(ax, names, [1, 5, 3], [4, 2, 3.01], label="SINR (dB)", higher_is_better=higher_is_better)
    lines = {line.get_label(): line for line in ax.lines}
    rise, fall = ("better", "worse") if higher_is_better else ("worse", "better")
    assert set(lines) == {"after: better (1)", "after: worse (1)", "after: as before (1)", "before"}
    assert lines[f"after: {rise} (1)"].get_xydata() == pytest.approx(np.array([[4, 0]]))
    assert lines[f"after: {fall} (1)"].get_xydata() == pytest.approx(np.array([[2, 1]]))
    assert lines[f"after: {rise} (1)"].get_marker() == ">" and lines[f"after: {fall} (1)"].get_marker() == "<"
    assert lines["after: better (1)"].get_color() == viz.COLORS["good"]
    assert ax.yaxis_inverted() and passes_the_rules(ax)


def test_band_draws_its_interval_in_the_colour_of_its_role(ax):
    x = np.arange(3.0)
    viz.band(ax, x, [1, 2, np.nan], [0.5, 1, np.nan], [2, 4, np.nan], label="twin", role="twin")
    viz.band(ax, x, x, x - 1, x + 1, label="other")
    vertices = ax.collections[0].get_paths()[0].vertices
    assert (vertices[:, 1].min(), vertices[:, 1].max()) == (0.5, 4)
    assert ax.lines[0].get_color() == viz.COLORS["twin"]
    assert ax.collections[0].get_facecolor()[0][3] == pytest.approx(0.18)
    ax.set(xlabel="time (s)", ylabel="error (dB)")
    assert passes_the_rules(ax)


def test_bars_have_lengths_intervals_and_numbers(ax):
    viz.bars(ax, ["a", "b"], [2, 1], [1, 0.5], [4, 1.25], label="rate (Mbit/s)", roles=["twin", "baseline"], decimals=1)
    assert [bar.get_width() for bar in ax.patches] == [2, 1]
    segments = np.array(ax.collections[0].get_segments())
    assert segments[:, :, 0] == pytest.approx(np.array([[1, 4], [0.5, 1.25]]))
    assert [text.get_text() for text in ax.texts] == ["2.0", "1.0"] and ax.texts[0].xy[0] == 4
    assert passes_the_rules(ax)


def test_timeline_puts_events_on_their_lanes(ax):
    viz.timeline(ax, [1, 2, 3], [0, 1, 1], ["client A", "client B"], [0, 4, 2], label="staleness (rounds)")
    viz.timeline(ax, [2.5], [0], ["client A", "client B"], marker="X", name="drop-out")
    first, second = (c for c in ax.collections if isinstance(c, PathCollection))
    assert np.array_equal(first.get_offsets(), [[1, 0], [2, 1], [3, 1]])
    assert list(first.get_array()) == [0, 4, 2] and second.get_label() == "drop-out"
    assert passes_the_rules(ax)


def test_forty_rows_still_do_not_overlap():
    ax = plt.subplots(figsize=(7, 9))[1]
    viz.bars(ax, range(40), np.arange(40), label="load (%)")
    assert passes_the_rules(ax)


@pytest.mark.parametrize(
    ("call", "error", "sentence"),
    [
        (lambda ax: viz.dumbbell(ax, "ab", [1, 2], [1, 2], label="a (dB)"), TypeError, "labels is the string 'ab'"),
        (
            lambda ax: viz.dumbbell(ax, [], [], [], label="a (dB)"),
            ValueError,
            "0 rows were given; .* 1 to 40",
        ),
        (lambda ax: viz.bars(ax, range(41), range(41), label="a (dB)"), ValueError, "41 rows were given"),
        (lambda ax: viz.dumbbell(ax, ["a"], [1, 2], [1], label="a (dB)"), ValueError, r"before has shape \(2,\)"),
        (lambda ax: viz.dumbbell(ax, ["a"], [np.nan], [1], label="a (dB)"), ValueError, "before contains NaN"),
        (lambda ax: viz.dumbbell(ax, ["a"], [1], [1], label="SINR"), ValueError, "label is 'SINR'; it must end"),
        (
            lambda ax: viz.band(ax, [0, 1], [1, 1], [0, 2], [3, 3], label="a"),
            ValueError,
            "leaves its interval at x = 1",
        ),
        (lambda ax: viz.band(ax, [0], [1], [0], [2], label="a", role="tiwn"), ValueError, "role 'tiwn' is not known"),
        (lambda ax: viz.bars(ax, ["a"], [1], [0], label="a (dB)"), ValueError, "an interval needs both"),
        (
            lambda ax: viz.bars(ax, ["a"], [3], [0], [2], label="a (dB)"),
            ValueError,
            "the value of 'a' leaves",
        ),
        (
            lambda ax: viz.bars(ax, ["a"], [3], label="a (dB)", roles=[]),
            ValueError,
            "roles has 0 items",
        ),
        (lambda ax: viz.timeline(ax, [1], [2], ["a", "b"]), ValueError, "lane runs from 2 to 2; .* 0 to 1"),
        (lambda ax: viz.timeline(ax, [1, 2], [0], ["a"]), ValueError, "one per event"),
    ],
)
def test_charts_refuse(ax, call, error, sentence):
    with pytest.raises(error, match=sentence):
        call(ax)
