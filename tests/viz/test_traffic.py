"""Charts of traffic twins: clusters, parts of a cost and plain rules end up where they belong."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_rgb

from dnt_lab import datasets, viz
from dnt_lab.viz._png import checked_png

ALT = "A chart that shows what its title says."
COSTS = pd.DataFrame({"training_s": [3.0, 1.0], "communication_s": [1.0, 4.0]}, index=["V-twin", "H-twin"])
ERRORS = pd.DataFrame(
    {"mean": [0.2, 0.3, 0.5], "low": [0.1, 0.2, 0.4], "high": [0.4, 0.35, 0.6]}, index=["V-twin", "H-twin", "last hour"]
)


def passes_the_rules(ax):
    ax.set_title("The finding stands here")
    checked_png(ax.figure, ALT)
    return True


def lightness(color):
    return float(np.dot(to_rgb(color), (0.299, 0.587, 0.114)))


def test_each_cluster_has_its_own_colour_and_marker_and_its_members_where_they_stand(ax):
    position_m = np.array([[1000.0, 2000.0], [3000.0, 4000.0], [5000.0, 500.0]])
    viz.cluster_map(ax, position_m, np.array([1, 0, 1]))
    first, second = ax.lines
    assert first.get_xydata() == pytest.approx(np.array([[3, 4]]))
    assert second.get_xydata() == pytest.approx(np.array([[1, 2], [5, 0.5]]))
    assert [line.get_label() for line in ax.lines] == ["cluster 0 (1)", "cluster 1 (2)"]
    assert first.get_color() != second.get_color() and first.get_marker() != second.get_marker()
    assert ax.get_aspect() == 1 and ax.get_xlim() == (0, 23.5)
    assert passes_the_rules(ax)


def test_no_two_of_all_possible_clusters_look_alike(ax):
    most = len(viz.CYCLE) * len(viz.MARKERS)
    viz.cluster_map(ax, np.arange(2.0 * most).reshape(most, 2), np.arange(most))
    assert len({(line.get_color(), line.get_marker()) for line in ax.lines}) == most


def test_the_city_lies_under_the_stations_and_busy_cells_are_darker(ax):
    city = datasets.synthetic_traffic((6, 8), days=2, seed=1)
    viz.cluster_map(ax, city.centre_m[:3], np.zeros(3, dtype=int), city=city)
    image = ax.images[0]
    west, east, south, north = image.get_extent()
    assert (east - west, north - south) == pytest.approx((8 * 0.235, 6 * 0.235))
    assert (west < city.centre_m[:, 0] / 1000).all() and (city.centre_m[:, 0] / 1000 < east).all()
    mean = city.on_grid(city.values.mean(axis=(0, 1)))
    shown = np.asarray(image.get_array())
    assert shown.ravel()[np.argmax(mean)] == shown.max()
    assert lightness(image.cmap(1.0)[:3]) < lightness(image.cmap(0.0)[:3])
    assert image.get_zorder() < ax.lines[0].get_zorder()


@pytest.mark.parametrize(
    ("labels", "error", "sentence"),
    [
        (np.array([0, 1]), ValueError, r"labels has shape \(2,\).*3 whole numbers"),
        (np.array([0.0, 1.0, 2.0]), ValueError, "labels has shape.*float64"),
        (np.array([0, -1, 1]), ValueError, "labels runs from -1 to 1"),
        (np.array([0, 1, 400]), ValueError, "labels runs from 0 to 400"),
    ],
)
def test_a_cluster_map_says_what_is_wrong_with_its_labels(ax, labels, error, sentence):
    with pytest.raises(error, match=sentence):
        viz.cluster_map(ax, np.zeros((3, 2)), labels)


def test_a_cluster_map_takes_no_other_background(ax):
    with pytest.raises(TypeError, match="city is a str; it must be a Traffic"):
        viz.cluster_map(ax, np.zeros((3, 2)), np.zeros(3, dtype=int), city="Milan")


def test_parts_are_stacked_from_dark_to_light_and_end_at_their_sum(ax):
    viz.stacked_bars(ax, COSTS, label="cost (s)", decimals=1)
    starts = [bar.get_x() for bar in ax.patches]
    ends = [bar.get_x() + bar.get_width() for bar in ax.patches]
    assert starts == [0, 0, 3, 1] and ends == [3, 1, 4, 5]
    colors = [bar.get_facecolor()[:3] for bar in ax.patches]
    assert lightness(colors[0]) < lightness(colors[2])
    assert [text.get_text() for text in ax.texts] == ["4.0", "5.0"]
    assert ax.get_legend_handles_labels()[1] == ["training", "communication"]
    assert [tick.get_text() for tick in ax.get_yticklabels()] == ["V-twin", "H-twin"] and ax.yaxis_inverted()
    assert passes_the_rules(ax)


@pytest.mark.parametrize(
    ("table", "label", "sentence"),
    [
        (COSTS - 2, "cost (s)", "table holds -1; a part of a bar must be 0 or more"),
        (COSTS * np.nan, "cost (s)", "NaN"),
        (COSTS, "cost", "must end with its unit in brackets"),
        (COSTS.iloc[:0], "cost (s)", r"table has shape \(0, 2\)"),
        (pd.concat([COSTS, COSTS + 1], axis=1), "cost (s)", r"table has shape \(2, 4\)"),
    ],
)
def test_stacked_bars_say_what_is_wrong_with_a_table(ax, table, label, sentence):
    with pytest.raises(ValueError, match=sentence):
        viz.stacked_bars(ax, table, label=label)


def test_lines_cross_the_bars_at_their_mean_and_are_no_bars_themselves(ax):
    viz.bars_and_lines(ax, ERRORS, ["last hour"], label="MSE (-)", roles=["isolated", "twin"])
    assert [bar.get_width() for bar in ax.patches] == [0.2, 0.3]
    assert [line.get_xdata()[0] for line in ax.lines if line.get_label() == "last hour"] == [0.5]
    ax.legend()
    assert passes_the_rules(ax)


@pytest.mark.parametrize(
    ("table", "lines", "sentence"),
    [
        (ERRORS, ["ridge"], "lines is .'ridge'."),
        (ERRORS.drop(columns="low"), ["last hour"], "columns must be mean, low and high"),
        (pd.concat([ERRORS, ERRORS.set_axis(list("abc"))]), [*ERRORS.index, "a", "b"], "at most 4 of its rows"),
        (ERRORS, list(ERRORS.index), "0 rows were given"),
    ],
)
def test_bars_and_lines_say_what_is_wrong(ax, table, lines, sentence):
    with pytest.raises(ValueError, match=sentence):
        viz.bars_and_lines(ax, table, lines, label="MSE (-)")
    plt.close("all")
