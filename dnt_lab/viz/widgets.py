"""Pictures that change when the reader moves something: every picture is drawn beforehand, so a move is instant.

`frames` gives a slider (numbers with a unit), `choice` a row of buttons or a list (named cases). Both return a `Frames`
widget, made of state only (a selection, the picture and a caption as ``HTML``) and wired with ``observe``; there is no
``Output`` and no ``interact``, which can stall headless runs (nbclient issue 312).

Put the widget on the last line of a cell. Its output carries the start picture as ``image/png`` beside the live widget:
JupyterLab and Voila show the widget, GitHub, print and nbconvert (which keep no widget state) show the picture.
The picture is an ``<img alt>`` in an ``HTML`` widget: ipywidgets' ``Image`` has no ``alt``, and its tooltip fails in
the browser (8.1.9 looks for a description that ``Image`` lacks). In a cell ``w.value = 40.0`` moves slider and picture.
"""

import base64
import html
from collections.abc import Callable, Iterable, Sequence
from numbers import Real

import ipywidgets
from matplotlib.figure import Figure

from dnt_lab.viz._png import checked_png
from dnt_lab.viz.show import image_bundle

MAX_FRAMES = 120


class Frames(ipywidgets.VBox):
    """A control, a picture and a caption; made by `frames` and `choice`.

    Attributes
    ----------
    control : ipywidgets.SelectionSlider, ToggleButtons or Dropdown
        What the reader moves; its values are those handed to `frames`.
    picture : ipywidgets.HTML
        The picture of the chosen value with its alternative text.
    caption : ipywidgets.HTML
        The chosen value and the picture's alternative text.
    pngs : tuple of bytes
        All pictures.
    alts : tuple of str
        Their alternative texts.
    """

    def __init__(self, control, names: Sequence[str], pngs: Sequence[bytes], alts: Sequence[str], play=None):
        self.control, self.names, self.pngs, self.alts = control, tuple(names), tuple(pngs), tuple(alts)
        self.picture, self.caption = ipywidgets.HTML(), ipywidgets.HTML()
        self._refresh()
        control.observe(self._refresh, names="index")
        bar = control if play is None else ipywidgets.HBox([play, control], layout=ipywidgets.Layout(grid_gap="12px"))
        super().__init__(children=(bar, self.picture, self.caption))

    @property
    def value(self):
        """The chosen value; setting it moves the control and the picture."""
        return self.control.value

    @value.setter
    def value(self, new) -> None:
        values = [value for _, value in self.control.options]
        if new not in values:
            raise ValueError(f"value {new!r} has no picture; it must be one of {', '.join(map(str, values))}.")
        self.control.value = new

    @property
    def index(self) -> int:
        """Number of the chosen picture, from 0."""
        return self.control.index

    @property
    def png(self) -> bytes:
        """The picture that is shown."""
        return self.pngs[self.index]

    def _refresh(self, _change=None) -> None:
        name, alt = html.escape(self.names[self.index]), html.escape(self.alts[self.index])
        source = "data:image/png;base64," + base64.b64encode(self.png).decode("ascii")
        # decoded in the same frame as it is replaced, so that a playing scene does not flicker
        self.picture.value = f'<img src="{source}" alt="{alt}" decoding="sync" style="max-width: 100%; height: auto;">'
        self.caption.value = f'<div aria-live="polite"><b>{name}</b>: {alt}</div>'

    def __repr__(self) -> str:
        return f"{self.control.description}: {self.names[self.index]} ({self.index + 1} of {len(self.pngs)} pictures)"

    def _repr_mimebundle_(self, **kwargs):
        data, metadata = image_bundle(self.png, self.alts[self.index])
        return data | super()._repr_mimebundle_(**kwargs) | {"text/plain": repr(self)}, metadata


def frames(
    draw: Callable[[float], Figure] | Iterable[Figure],
    values: Iterable[float],
    *,
    label: str,
    unit: str,
    alt: Callable[[float], str] | Iterable[str],
    start: float | None = None,
    play_ms: int | None = None,
    units: bool = True,
) -> Frames:
    """Slider over pictures drawn beforehand.

    Parameters
    ----------
    draw : callable or iterable of Figure
        Makes the figure of a value, or the figures in the order of `values`. All must have one size and be checked
        as in `show`; they are closed.
    values : iterable of float, length N
        What the slider steps through, 2 to 120 different numbers.
    label : str
        What is moved, such as "user 17 along its street".
    unit : str
        Unit of `values`, such as "m"; "" for a count.
    alt : callable or iterable of str
        Alternative text of each picture.
    start : float, optional
        Value shown first, the first of `values` if left out. It is also the picture a stored notebook shows.
    play_ms : int, optional
        Adds a play button that moves on every so many milliseconds (at least 100).
    units : bool
        As in `show`.

    Returns
    -------
    Frames
        A widget; put it on the last line of a cell.

    Raises
    ------
    TypeError, ValueError
        If values, figures or texts do not fit.
    """
    values = _checked_values(values)
    label = _checked_text("label", label)
    if not isinstance(unit, str):
        raise TypeError(f"unit is a {type(unit).__name__}; it must be a string such as 'm', or '' for a count.")
    names = [f"{value:g} {unit}".strip() for value in values]
    if len(set(names)) < len(names):
        raise ValueError("values are so close that their labels coincide; they must differ in six significant digits.")
    control = ipywidgets.SelectionSlider(
        options=list(zip(names, values, strict=True)),
        index=_start_index(start, values),
        description=label,
        continuous_update=False,
        style={"description_width": "initial"},
        layout=ipywidgets.Layout(width="min(100%, 640px)"),
    )
    play = None if play_ms is None else _play_button(play_ms, control, label)
    return Frames(control, names, *_render(draw, values, alt, units), play)


def choice(
    draw: Callable[[str], Figure] | Iterable[Figure],
    names: Iterable[str],
    *,
    label: str,
    alt: Callable[[str], str] | Iterable[str],
    start: str | None = None,
    units: bool = True,
) -> Frames:
    """Choose between named pictures: buttons for up to four names, a drop-down list for more.

    Parameters
    ----------
    draw : callable or iterable of Figure
        Makes the figure of a name, or the figures in the order of `names`.
    names : iterable of str, length N
        2 to 120 different names.
    label : str
        What is chosen, such as "strategy".
    alt : callable or iterable of str
        Alternative text of each picture.
    start : str, optional
        Name shown first, the first of `names` if left out.
    units : bool
        As in `show`.

    Returns
    -------
    Frames
        A widget; put it on the last line of a cell.

    Raises
    ------
    TypeError, ValueError
        If names, figures or texts do not fit.
    """
    if isinstance(names, str):
        raise TypeError(f"names is the string {names!r}; it must be a list of names.")
    names = [_checked_text("each name", name) for name in names]
    _check_count(names)
    label = _checked_text("label", label)
    kind = ipywidgets.ToggleButtons if len(names) <= 4 else ipywidgets.Dropdown
    control = kind(
        options=list(zip(names, names, strict=True)),
        index=_start_index(start, names),
        description=label,
        style={"description_width": "initial"},
    )
    return Frames(control, names, *_render(draw, names, alt, units))


def _render(draw, values: list, alt, units: bool) -> tuple[list[bytes], list[str]]:
    alts = _one_each("alt", alt, values)
    # a function is called when its turn comes, so that one figure is open at a time
    figures = map(draw, values) if callable(draw) else _one_each("draw", draw, values)
    pngs, sizes_px = [], set()
    for fig, text in zip(figures, alts, strict=True):
        pngs.append(checked_png(fig, text, units=units))
        sizes_px.add(tuple(round(side) for side in fig.bbox.size))
        if len(sizes_px) > 1:
            raise ValueError(
                f"frames of sizes {sorted(sizes_px)} px would make the page jump; figsize must be the same."
            )
    return pngs, alts


def _one_each(name: str, source, values: list) -> list:
    if callable(source):
        return [source(value) for value in values]
    if isinstance(source, str) or not isinstance(source, Iterable):
        raise TypeError(
            f"{name} is a {type(source).__name__}; it must be a function or a list with one item per value."
        )
    items = list(source)
    if len(items) != len(values):
        raise ValueError(f"{name} has {len(items)} items for {len(values)} values; it must have one per value.")
    return items


def _checked_values(values: Iterable[float]) -> list[float]:
    checked = []
    for value in values:
        if isinstance(value, bool) or not isinstance(value, Real) or not abs(value) < float("inf"):
            raise ValueError(f"values contain {value!r}; they must be finite numbers (for names use viz.choice).")
        checked.append(value.item() if hasattr(value, "item") else value)
    _check_count(checked)
    return checked


def _check_count(values: list) -> None:
    if not 2 <= len(values) <= MAX_FRAMES:
        raise ValueError(f"{len(values)} values were given; there must be 2 to {MAX_FRAMES}, each is drawn beforehand.")
    if len(set(values)) < len(values):
        raise ValueError("a value occurs twice; the values must all be different.")


def _checked_text(name: str, text: str) -> str:
    if not isinstance(text, str) or not text.strip():
        raise ValueError(f"{name} is {text!r}; it must be a text that says what is moved or chosen.")
    return text.strip()


def _start_index(start, values: list) -> int:
    if start is None:
        return 0
    if start not in values:
        raise ValueError(f"start {start!r} is not one of the values; it must be one of {', '.join(map(str, values))}.")
    return values.index(start)


def _play_button(play_ms: int, slider, label: str) -> ipywidgets.Play:
    if isinstance(play_ms, bool) or not isinstance(play_ms, int) or play_ms < 100:
        raise ValueError(f"play_ms is {play_ms!r}; it must be a whole number of milliseconds, at least 100.")
    play = ipywidgets.Play(min=0, max=len(slider.options) - 1, interval=play_ms, tooltip=f"Play {label}")
    play.value = slider.index
    ipywidgets.jslink((play, "value"), (slider, "index"))
    return play
