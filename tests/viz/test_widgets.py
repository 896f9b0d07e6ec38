"""Sliders and choices over pictures drawn beforehand."""

import base64

import ipywidgets
import matplotlib.pyplot as plt
import numpy as np
import pytest

from dnt_lab import viz


def alt(value):
    return f"Line chart: the gain grows until {value} seconds."


@pytest.fixture
def slider(make_figure):
    return viz.frames(make_figure, [1, 2, 4.5], label="end of the run", unit="s", alt=alt, start=2)


def test_moving_the_slider_changes_picture_alt_and_caption(slider):
    before = slider.picture.value
    assert slider.png == slider.pngs[1] and f'alt="{alt(2)}"' in before
    slider.control.index = 2
    assert slider.png == slider.pngs[2] != slider.pngs[1]
    assert base64.b64encode(slider.png).decode() in slider.picture.value and f'alt="{alt(4.5)}"' in slider.picture.value
    assert "4.5 s" in slider.caption.value and alt(4.5) in slider.caption.value and "aria-live" in slider.caption.value


def test_texts_cannot_break_out_of_the_html(make_figure):
    nasty = '"><script>alert(1)</script> is no alternative text'
    widget = viz.frames(make_figure, [1, 2], label="x", unit="<s>", alt=[nasty] * 2)
    assert "<script>" not in widget.picture.value + widget.caption.value and "<s>" not in widget.caption.value


def test_value_drives_the_slider_both_ways(slider):
    slider.value = 4.5
    assert slider.control.label == "4.5 s" and slider.png == slider.pngs[2]
    slider.control.value = 1
    assert slider.value == 1 and slider.index == 0
    with pytest.raises(ValueError, match=r"value 3 has no picture; it must be one of 1, 2, 4.5"):
        slider.value = 3


def test_slider_is_described_and_waits_for_the_end_of_the_move(slider):
    assert slider.control.description == "end of the run" and slider.control.continuous_update is False
    assert not any(isinstance(w, ipywidgets.Output) for w in (slider, *slider.children))


def test_output_has_a_stable_text_and_the_start_picture_with_alt(slider, make_figure):
    data, metadata = slider._repr_mimebundle_()
    assert data["text/plain"] == "end of the run: 2 s (2 of 3 pictures)"
    assert metadata == {"image/png": {"alt": alt(2)}}
    assert {"image/png", "application/vnd.jupyter.widget-view+json"} < set(data)
    again = viz.frames(make_figure, [1, 2, 4.5], label="end of the run", unit="s", alt=alt, start=2)
    assert again._repr_mimebundle_()[0]["image/png"] == data["image/png"]


def test_figures_and_texts_may_be_lists_and_are_closed(make_figure):
    figures = [make_figure(end) for end in (1, 2)]
    widget = viz.frames(figures, np.array([1, 2]), label="users", unit="", alt=[alt(1), alt(2)])
    assert widget.names == ("1", "2") and plt.get_fignums() == []


def test_forty_frames_take_less_than_one_and_a_half_megabytes():
    def draw(shift):
        fig, ax = plt.subplots()
        x = np.linspace(0, 60, 200)
        for role in viz.COLORS:
            ax.plot(x, np.sin(x / 9 + shift + len(role)) * len(role), label=role, **viz.role_style(role))
        ax.set(title="Six lines move", xlabel="time (s)", ylabel="error (dB)")
        ax.legend(loc="upper right")
        return fig

    widget = viz.frames(draw, range(8), label="shift", unit="rad", alt=alt)
    assert sum(map(len, widget.pngs)) / 8 * 40 < 1.5e6


def test_play_button_is_linked_in_the_browser(make_figure):
    widget = viz.frames(make_figure, [1, 2, 3], label="time", unit="s", alt=alt, start=2, play_ms=200)
    play, control = widget.children[0].children
    assert isinstance(play, ipywidgets.Play) and control is widget.control
    assert (play.min, play.max, play.value, play.interval) == (0, 2, 1, 200)


@pytest.mark.parametrize(("n", "kind"), [(2, ipywidgets.ToggleButtons), (5, ipywidgets.Dropdown)])
def test_choice_offers_buttons_or_a_list(make_figure, n, kind):
    names = [f"strategy {i}" for i in range(n)]
    widget = viz.choice(lambda name: make_figure(names.index(name) + 1), names, label="strategy", alt=alt)
    assert isinstance(widget.control, kind)
    widget.value = names[-1]
    assert widget.png == widget.pngs[-1]
    assert repr(widget) == f"strategy: strategy {n - 1} ({n} of {n} pictures)"


@pytest.mark.parametrize(
    ("changes", "error", "sentence"),
    [
        ({"values": [1]}, ValueError, r"1 values were given; there must be 2 to 120"),
        ({"values": range(121)}, ValueError, r"121 values were given"),
        ({"values": [1, 1]}, ValueError, r"a value occurs twice"),
        ({"values": [1.0, 1.00000001]}, ValueError, r"so close that their labels coincide"),
        (
            {"values": ["a", "b"]},
            ValueError,
            r"values contain 'a'; they must be finite numbers \(for names",
        ),
        ({"values": [1, float("nan")]}, ValueError, r"values contain nan"),
        ({"label": " "}, ValueError, r"label is ' '; it must be a text"),
        ({"unit": None}, TypeError, r"unit is a NoneType"),
        ({"alt": "one text for all of them"}, TypeError, r"alt is a str; it must be a function or a list"),
        ({"alt": ["only one text, but two frames"]}, ValueError, r"alt has 1 items for 2 values"),
        ({"alt": ["short", "shorter"]}, ValueError, r"alt 'short' is too short"),
        ({"draw": 3}, TypeError, r"draw is a int; it must be a function or a list"),
        ({"draw": lambda value: None}, TypeError, r"fig is a NoneType"),
        ({"start": 9}, ValueError, r"start 9 is not one of the values; it must be one of 1, 2"),
        ({"play_ms": 10}, ValueError, r"play_ms is 10; it must be a whole number of milliseconds, at least 100"),
    ],
)
def test_frames_refuses(make_figure, changes, error, sentence):
    given = {"draw": make_figure, "values": [1, 2], "label": "end", "unit": "s", "alt": alt} | changes
    with pytest.raises(error, match=sentence):
        viz.frames(given.pop("draw"), given.pop("values"), **given)


def test_frames_of_different_size_are_refused(make_figure):
    def draw(value):
        fig = make_figure(value)
        fig.set_size_inches(5 + value, 4)
        return fig

    with pytest.raises(ValueError, match="would make the page jump; figsize must be the same"):
        viz.frames(draw, [1, 2], label="end", unit="s", alt=alt)


def test_choice_refuses(make_figure):
    with pytest.raises(TypeError, match="names is the string 'ab'; it must be a list of names"):
        viz.choice(make_figure, "ab", label="case", alt=alt)
    with pytest.raises(ValueError, match="each name is 3; it must be a text"):
        viz.choice(make_figure, [3, 4], label="case", alt=alt)
