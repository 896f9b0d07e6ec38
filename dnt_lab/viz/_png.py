"""Figure to small, deterministic PNG bytes, and the house rules a figure must keep before anybody sees it."""

import io
import re

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text
from PIL import Image

MIN_TEXT_PT = 9.0
MIN_ALT_CHARS = 20
GREYS, COLOURS = 26, 192
_EDGE_TOLERANCE_PX = 2.0
_UNIT_AT_END = re.compile(r"[(\[][^()\[\]]+[)\]]\s*$")
_NAMING_FORMATTERS = ("FixedFormatter", "FuncFormatter", "StrCategoryFormatter")  # ticks set with names
_NUMBER = re.compile(r"^[-+−]?[\d.,]+(e[-+−]?\d+)?$|\\times|\d\^\{|10\^")


def checked_png(fig: Figure, alt: str, *, units: bool = True) -> bytes:
    """Draw a figure once, refuse it if a reader could not use it, and return it as PNG.

    Parameters
    ----------
    fig : matplotlib.figure.Figure
        The figure; it is drawn with Agg whatever the backend, and closed in pyplot even if it is refused.
    alt : str
        Its alternative text.
    units : bool
        Whether numbered axes need a label that ends with a unit.

    Returns
    -------
    bytes
        A PNG with a palette (a third of true colour's size) and without metadata: same figure, same bytes.

    Raises
    ------
    TypeError
        If `fig` is not a figure or `alt` not a string.
    ValueError
        If the alt text is too short or repeats the title, if there is no title, if a numbered axis lacks a label with
        a unit, if a text is smaller than 9 pt or runs over the edge.
    """
    if not isinstance(fig, Figure):
        raise TypeError(f"fig is a {type(fig).__name__}; it must be a matplotlib Figure, as plt.subplots returns it.")
    # at once: the inline backend shows every figure still open at the end of a cell, without its alternative text
    plt.close(fig)
    if not fig.axes:
        raise ValueError("the figure is empty; it must have axes with something drawn on them.")
    canvas = FigureCanvasAgg(fig)
    canvas.draw()  # runs the layout and fills in the tick labels, which the checks read
    titles = _titles(fig)
    if not titles:
        raise ValueError("the figure has no title; ax.set_title('...') must state what there is to see.")
    _check_alt(alt, [text.get_text() for text in titles])
    if units:
        _check_units(fig)
    _check_texts(fig, titles)
    return _palette_png(np.asarray(canvas.buffer_rgba()))


def _palette_png(rgba: np.ndarray) -> bytes:
    """Reduce to 26 greys and up to 192 colours: small, buildings stay grey, and one marked user keeps its colour."""
    image = Image.fromarray(rgba).convert("RGB")
    pixels = np.asarray(image)
    palette = np.repeat(np.linspace(0, 255, GREYS).round().astype(np.uint8), 3).tobytes()
    coloured = pixels[np.ptp(pixels, axis=-1) > 10]
    if len(coloured):
        # median cut would merge rare colours into frequent ones
        found = Image.fromarray(coloured[np.newaxis]).quantize(COLOURS, method=Image.Quantize.MAXCOVERAGE)
        palette += bytes(found.getpalette())
    holder = Image.new("P", (1, 1))
    holder.putpalette(palette)
    out = io.BytesIO()
    image.quantize(palette=holder, dither=Image.Dither.NONE).save(out, format="png")
    return out.getvalue()


def _titles(fig: Figure) -> list[Text]:
    found = [text for text in fig.texts if text.get_text() == fig.get_suptitle()]
    for ax in fig.axes:
        found += [text for text in (ax.title, ax._left_title, ax._right_title) if text.get_visible()]
    return [text for text in found if text.get_text().strip()]


def _check_alt(alt: str, titles: list[str]) -> None:
    if not isinstance(alt, str):
        raise TypeError(f"alt is a {type(alt).__name__}; it must be a sentence saying what the figure shows.")
    words = alt.strip()
    if len(words) < MIN_ALT_CHARS:
        raise ValueError(
            f"alt {alt!r} is too short ({len(words)} characters); it must say in at least {MIN_ALT_CHARS} "
            "what kind of figure this is and what one sees in it."
        )
    if words.rstrip(".").lower() in (" ".join(title.split()).rstrip(".").lower() for title in titles):
        raise ValueError(f"alt {alt!r} only repeats the title; it must say what one sees in the figure.")


def _check_units(fig: Figure) -> None:
    for ax in fig.axes:
        if not (ax.get_visible() and ax.axison):
            continue
        for name, shared in (("x", fig.get_supxlabel()), ("y", fig.get_supylabel())):
            axis = getattr(ax, f"{name}axis")
            label = axis.get_label_text() or shared
            if _shows_numbers(axis) and not _UNIT_AT_END.search(label):
                raise ValueError(
                    f"the {name} axis is labelled {label!r}; a numbered axis needs a label that ends with its unit in "
                    "brackets, such as 'SINR (dB)', 'users (count)' or 'error (-)' (units=False for a schematic one)."
                )


def _shows_numbers(axis) -> bool:
    """Tell whether ticks carry bare numbers; names, dates, degrees and per cent explain themselves."""
    if not axis.get_visible() or type(axis.get_major_formatter()).__name__ in _NAMING_FORMATTERS:
        return False
    return any(_NUMBER.search(tick.get_text().strip(" $")) for tick in axis.get_ticklabels() if tick.get_visible())


def _check_texts(fig: Figure, titles: list[Text]) -> None:
    for text in fig.findobj(Text):
        if text.get_visible() and text.get_text().strip() and text.get_fontsize() < MIN_TEXT_PT:
            raise ValueError(
                f"the text {text.get_text()!r} has {text.get_fontsize():g} pt; "
                f"texts in a figure must have at least {MIN_TEXT_PT:g} pt."
            )
    labels = [label for ax in fig.axes for label in (ax.xaxis.label, ax.yaxis.label) if ax.axison and label.get_text()]
    width_px, height_px = fig.bbox.size
    for text in [*titles, *labels]:
        box = text.get_window_extent()
        if min(box.x0, box.y0, width_px - box.x1, height_px - box.y1) < -_EDGE_TOLERANCE_PX:
            raise ValueError(
                f"the text {text.get_text()!r} runs over the figure's edge; it must be shortened or broken into lines."
            )
