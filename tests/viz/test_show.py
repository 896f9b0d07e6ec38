"""What show lets through, what it refuses, and the PNG it makes."""

import io

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from dnt_lab import viz
from dnt_lab.viz._png import checked_png
from dnt_lab.viz.show import figure_in_words

ALT = "Line chart: the gain grows from 0 to 1 dB within three seconds."


def pixels(png):
    with Image.open(io.BytesIO(png)) as image:
        return np.asarray(image.convert("RGB")).astype(int)


def test_outside_ipython_nothing_is_written_and_the_figure_is_closed(make_figure, capsys):
    assert viz.show(make_figure(), alt=ALT) is None
    assert capsys.readouterr() == ("", "")
    assert plt.get_fignums() == []


def test_same_figure_same_bytes_and_no_metadata(make_figure):
    first, second = checked_png(make_figure(), ALT), checked_png(make_figure(), ALT)
    assert first == second
    with Image.open(io.BytesIO(first)) as image:
        assert image.info == {} and image.size == (720, 400)
    assert checked_png(make_figure(end=4), ALT) != first


def test_png_is_small_and_keeps_its_colours(make_figure):
    fig = make_figure()
    png = checked_png(fig, ALT)
    true = np.asarray(fig.canvas.buffer_rgba())[..., :3].astype(int)
    assert len(png) < 20_000
    assert np.abs(pixels(png) - true).max() <= 20
    assert (pixels(png)[0, 0] == 255).all()


def test_a_rare_colour_survives_the_palette():
    fig, ax = plt.subplots()
    ax.imshow(np.linspace(0, 1, 10_000).reshape(100, 100))
    ax.plot(50, 50, "o", color=viz.COLORS["bad"], ms=4)
    ax.set(title="One marked user", xticks=[], yticks=[])
    drawn = pixels(checked_png(fig, "Map with one user marked in vermillion."))
    vermillion = np.array([0xD5, 0x5E, 0x00])
    assert np.abs(drawn - vermillion).max(axis=-1).min() <= 12


def test_alt_text_is_escaped_in_html():
    assert "<b>" not in figure_in_words("a <b>bold</b> claim & more") and "&amp;" in figure_in_words("a & b")


def test_units_may_be_waived_for_schematic_drawings(make_figure):
    fig = make_figure(xlabel="", ylabel="")
    viz.show(fig, alt=ALT, units=False)


def test_axes_with_names_degrees_or_without_ticks_need_no_unit():
    fig, axs = plt.subplots(1, 4)
    axs[0].bar(["network twin", "isolated"], [1, 2])
    axs[0].set_ylabel("error (dB)")
    axs[1].plot([0, 1])
    axs[1].set(xticks=[], yticks=[])
    axs[2].plot([0, 1])
    axs[2].set_axis_off()
    axs[3].plot([0, 1])
    axs[3].set_yticks([0, 1], ["user 1", "user 2"])
    axs[3].set_xlabel("share [%]")
    fig.suptitle("Four kinds of axes")
    viz.show(fig, alt=ALT)


def test_shared_axes_need_their_label_only_where_ticks_are_named():
    fig, axs = plt.subplots(2, 1, sharex=True)
    axs[1].set_xlabel("time (s)")
    fig.supylabel("gain (dB)")
    fig.suptitle("Both gains are flat")
    viz.show(fig, alt=ALT)


def test_a_colour_bar_needs_a_unit_too(make_figure):
    fig = make_figure()
    fig.colorbar(plt.cm.ScalarMappable(), ax=fig.axes[0])
    with pytest.raises(ValueError, match=r"the y axis is labelled ''; a numbered axis needs a label"):
        viz.show(fig, alt=ALT)


@pytest.mark.parametrize("alt", ["", "   ", "a chart", "The gain grows"])
def test_empty_and_short_alt_texts_are_refused(make_figure, alt):
    with pytest.raises(ValueError, match=r"alt .* is too short .*; it must say in at least 20"):
        viz.show(make_figure(), alt=alt)


def test_alt_text_that_repeats_the_title_is_refused(make_figure):
    with pytest.raises(ValueError, match="only repeats the title"):
        viz.show(
            make_figure(title="Handover of one user\nlowers the others"), alt="Handover of one user lowers the others."
        )


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"title": ""}, r"the figure has no title; ax.set_title"),
        ({"xlabel": ""}, r"the x axis is labelled ''"),
        ({"xlabel": "time"}, r"the x axis is labelled 'time'; .* 'SINR \(dB\)'"),
        ({"ylabel": "gain in dB", "yscale": "log"}, r"the y axis is labelled 'gain in dB'"),
        ({"title": "A title that never ends " * 8}, r"runs over the figure's edge; it must be shortened"),
    ],
)
def test_figures_that_cannot_be_read_are_refused_and_closed(make_figure, changes, sentence):
    with pytest.raises(ValueError, match=sentence):
        viz.show(make_figure(**changes), alt=ALT)
    assert plt.get_fignums() == []


def test_small_text_is_refused(make_figure):
    fig = make_figure()
    fig.axes[0].text(1, 0.5, "whisper", fontsize=7)
    with pytest.raises(ValueError, match=r"the text 'whisper' has 7 pt; texts in a figure must have at least 9 pt"):
        viz.show(fig, alt=ALT)


def test_things_that_are_no_figure_are_refused(make_figure):
    with pytest.raises(TypeError, match="fig is a Axes; it must be a matplotlib Figure"):
        viz.show(make_figure().axes[0], alt=ALT)
    with pytest.raises(ValueError, match="the figure is empty"):
        viz.show(Figure(), alt=ALT)
    with pytest.raises(TypeError, match="alt is a NoneType"):
        viz.show(make_figure(), alt=None)
