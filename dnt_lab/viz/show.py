"""Show a figure with alternative text, so that nobody is left out and a stored notebook stays comparable.

`show` puts two things under the cell:

1. the picture as ``image/png`` (which nbval skips) with ``{"image/png": {"alt": ...}}`` in the output's metadata, the
   place that nbconvert's template "classic" reads ``<img alt>`` from; GitHub shows a stored PNG. Its ``text/plain`` is
   the alt text.
2. one folded line, "Figure in words", with the same text, because JupyterLab 4.6.6 and nbconvert's template "lab" build
   the ``<img>`` without looking at that metadata. A real ``alt`` there would need the picture inside ``text/html``,
   which nbval compares byte for byte. The folded line is reached by keyboard and by screen readers.

Both texts are compared by nbval: numbers in an alt text must be rounded to what every machine reproduces.
"""

import base64
import html

from IPython.core.interactiveshell import InteractiveShell
from IPython.display import display
from matplotlib.figure import Figure

from dnt_lab.viz._png import checked_png


def show(fig: Figure, *, alt: str, units: bool = True) -> None:
    """Show a figure below the cell as PNG with alternative text, and close it.

    Parameters
    ----------
    fig : matplotlib.figure.Figure
        A figure with a title that states the finding.
    alt : str
        What one sees: kind of figure, axes, course, finding. At least 20 characters and not the title again.
    units : bool
        Numbered axes need a label that ends with a unit in brackets; False for schematic drawings.

    Raises
    ------
    TypeError, ValueError
        If the figure or the alt text breaks a rule; see `dnt_lab.viz._png.checked_png`.

    Notes
    -----
    Outside IPython (a plain script, a test) the figure is checked and closed and nothing is written.
    """
    png = checked_png(fig, alt, units=units)
    if InteractiveShell.initialized():
        data, metadata = image_bundle(png, alt)
        display(data, metadata=metadata, raw=True)
        display({"text/html": figure_in_words(alt), "text/plain": "Figure in words"}, raw=True)


def image_bundle(png: bytes, alt: str) -> tuple[dict, dict]:
    """Jupyter's data and metadata of a picture with alternative text."""
    data = {"image/png": base64.b64encode(png).decode("ascii"), "text/plain": alt}
    return data, {"image/png": {"alt": alt}}


def figure_in_words(alt: str) -> str:
    """A folded line of HTML that opens to the alternative text."""
    return (
        '<details style="font-size: 90%; opacity: 0.8;"><summary>Figure in words</summary>'
        f"<p>{html.escape(alt)}</p></details>"
    )
