"""A small notebook is really executed: alternative texts are stored, and a strict comparison holds twice."""

import os
import subprocess
import sys

import nbformat
import pytest
from nbclient import NotebookClient
from nbconvert import HTMLExporter
from nbformat.v4 import new_code_cell, new_notebook

SHOWN = "Line chart: the gain grows from 0 to 1 dB, & ends < 5 s."
CELLS = [
    "import matplotlib.pyplot as plt\nfrom dnt_lab import viz\nviz.use_style()",
    f"""def draw(end_s):
    fig, ax = plt.subplots(figsize=viz.SIZES["wide"])
    ax.plot([0, end_s], [0, 1])
    ax.set(title="The gain grows", xlabel="time (s)", ylabel="gain (dB)")
    return fig
viz.show(draw(3), alt={SHOWN!r})""",
    """slider = viz.frames(draw, [1, 2, 4], label="end", unit="s", start=2, play_ms=500,
                    alt=lambda end_s: f"Line chart that grows until {end_s} s.")
slider""",
    "slider.value = 4\nprint(slider, slider.png == slider.pngs[2])",
    """try:
    viz.show(draw(3), alt="a line")
except ValueError as problem:
    print(problem)""",
    """from dnt_lab.raytracing.scene import Scene
viz.scene_view(Scene.street_canyon(), title="Six houses", alt="Street with six houses from the south-west.")""",
]


@pytest.fixture(scope="module")
def notebook(tmp_path_factory):
    nb = new_notebook(cells=[new_code_cell(source) for source in CELLS])
    client = NotebookClient(nb, timeout=120, store_widget_state=False)
    client.execute()
    path = tmp_path_factory.mktemp("nb") / "tiny.ipynb"
    nbformat.write(nb, path)
    return path


def outputs(path):
    return [cell.outputs for cell in nbformat.read(path, as_version=4).cells]


def test_alt_text_is_stored_with_the_picture(notebook):
    style, shown, slider, moved, refused, view = outputs(notebook)
    assert style == []
    picture, words = shown
    assert picture.metadata == {"image/png": {"alt": SHOWN}} and set(picture.data) == {"image/png", "text/plain"}
    assert picture.data["text/plain"] == SHOWN and "&amp; ends &lt; 5 s." in words.data["text/html"]
    assert slider[0].metadata["image/png"]["alt"] == "Line chart that grows until 2 s."
    assert slider[0].data["text/plain"] == "end: 2 s (2 of 3 pictures)"
    assert moved[0].text == "end: 4 s (3 of 3 pictures) True\n"
    (refusal,) = refused  # the sentence only, no picture without its text
    assert refusal.text.startswith("alt 'a line' is too short")
    assert view[0].metadata["image/png"]["alt"] == "Street with six houses from the south-west."
    assert view[0].data["text/plain"] == "3-D view: Six houses (62 triangles, 0 rays)"
    assert notebook.stat().st_size < 100_000


def test_nbconvert_writes_the_alt_text_into_the_page(notebook):
    page, _ = HTMLExporter(template_name="classic").from_filename(str(notebook))
    assert 'alt="Line chart: the gain grows from 0 to 1 dB, &amp; ends &lt; 5 s."' in page
    assert 'alt="Line chart that grows until 2 s."' in page  # the slider's start picture, as no widget state is kept
    assert 'alt="Street with six houses from the south-west."' in page  # the view at its start
    assert page.count("<img") == 3


def test_strict_comparison_holds_twice(notebook):
    copy = notebook.with_name("copy.ipynb")
    copy.write_bytes(notebook.read_bytes())
    options = ["--nbval", "--nbval-current-env", "-p", "no:cacheprovider", "--rootdir", str(notebook.parent)]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", *options, str(notebook), str(copy)],
        cwd=notebook.parent,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0 and "12 passed" in done.stdout, done.stdout
