"""The 3-D view in headless Chromium: mouse, keys and slider move it, and it draws what Python draws."""

import importlib.util
import json
import sys
from pathlib import Path

import nbformat
import numpy as np
import pytest

from dnt_lab import viz
from dnt_lab.viz._camera import nearest
from dnt_lab.viz._view3d import View
from tests.viz.links import RX_M, link_paths, street

TOOLS = Path(__file__).parents[1] / "notebooks" / "test_browser.py"
ALT = "Street from the south-west with the rays to one user."
LOOK = (-120.0, 45.0)


@pytest.fixture(scope="module")
def browser_test():
    """The module that knows where Chromium is and how to run JupyterLab; it skips where there is no Chromium."""
    spec = importlib.util.spec_from_file_location("browser_test_tools", TOOLS)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # its dataclass looks itself up
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def browser(browser_test):
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=browser_test.CHROMIUM, args=browser_test.CHROMIUM_FLAGS, chromium_sandbox=False
        )
        yield browser
        browser.close()


@pytest.fixture
def troubles():
    return []


@pytest.fixture
def page(browser, troubles):
    page = browser.new_page(viewport={"width": 900, "height": 640})
    page.on("console", lambda message: troubles.append(message.text))
    page.on("pageerror", lambda error: troubles.append(str(error)))
    page.on("request", lambda request: troubles.append(request.url))
    yield page
    page.close()


def opened(page, scene, paths=None, **options):
    """Show a view as ipywidgets does, by innerHTML; return its frame."""
    view = viz.scene_view(scene, paths, title="Four rays reach the user", alt=ALT, **options)
    page.evaluate(
        """text => new Promise(done => {
            document.body.innerHTML = text;
            document.querySelector("iframe").addEventListener("load", done);
        })""",
        view.value,
    )
    (frame,) = page.main_frame.child_frames
    frame.wait_for_function("depth !== undefined")
    return frame


def eye(frame):
    frame.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
    return frame.evaluate("[azimuth > 180 ? azimuth - 360 : azimuth, elevation, zoom]")


def seen_from(frame):
    return frame.inner_text("#from")


def picture(frame):
    return frame.evaluate("canvas.toDataURL()")


def test_mouse_and_keys_turn_the_view(page, troubles):
    frame = opened(page, street(), link_paths())
    assert seen_from(frame) == "Seen from the south-west, 45° above the horizon."
    before = picture(frame)
    page.mouse.move(300, 200)
    page.mouse.down()
    page.mouse.move(360, 220, steps=6)
    page.mouse.up()
    assert eye(frame) == pytest.approx([-150, 55, 1])
    assert picture(frame) != before and seen_from(frame) == "Seen from the south-west, 55° above the horizon."
    for key in ["ArrowRight"] * 12 + ["ArrowUp"]:  # the drag has focused the view
        page.keyboard.press(key)
    assert eye(frame) == pytest.approx([-90, 60, 1]) and "from the south, 60°" in seen_from(frame)
    for key in ["ArrowLeft", "ArrowDown", "+", "+", "-"]:
        page.keyboard.press(key)
    assert eye(frame) == pytest.approx([-95, 55, 1.25])
    page.keyboard.press("Home")
    assert eye(frame) == pytest.approx([*LOOK, 1]) and picture(frame) == before
    for key in ["ArrowUp"] * 12:
        page.keyboard.press(key)
    assert eye(frame)[1] == 90 and seen_from(frame) == "Seen from above."
    assert troubles == []


def test_view_is_reached_and_its_slider_moved_by_keyboard(page, troubles):
    frame = opened(page, street(), link_paths())
    assert frame.inner_text("output") == "0 (0 to 2), 4 paths"
    before = picture(frame)
    page.keyboard.press("Tab")
    assert frame.evaluate("document.activeElement === canvas")
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowRight")
    eye(frame)
    assert frame.inner_text("output") == "1 (0 to 2), 1 path" and picture(frame) != before
    page.keyboard.press("ArrowRight")
    eye(frame)
    assert frame.inner_text("output") == "2 (0 to 2), 0 paths"
    assert frame.get_attribute("canvas", "aria-label") == ALT
    assert frame.inner_text("#legend").split("\n")[0].strip().startswith("line of sight")
    assert troubles == []


def test_wheel_scrolls_the_page_until_the_view_has_the_focus(page):
    frame = opened(page, street())
    page.mouse.move(300, 200)
    page.mouse.wheel(0, -200)
    assert eye(frame)[2] == 1
    page.mouse.click(300, 200)
    page.mouse.wheel(0, -200)
    frame.wait_for_function("zoom > 1.2")


def test_browser_and_python_see_the_same(page):
    frame = opened(page, street(), link_paths())
    view = View.of("", street(), link_paths(), 0, *LOOK, None)
    width, height = view.camera.size_px
    script = """([width, height]) => {
        canvas.width = width; canvas.height = height; dots = 1; scale = D.scale_px_m;
        const seen = project(D.vertices);
        fillFaces(seen);
        const grey = pen.getImageData(0, 0, width, height).data.filter((_, i) => i % 4 === 0);
        return JSON.stringify([seen, depth, grey].map(values => Array.from(values)));  // infinity becomes null
    }"""
    seen, depth_m, grey = json.loads(frame.evaluate(script, [width, height]))
    expected = view.camera.project(view.mesh.vertices_m)
    seen = np.reshape(seen, (-1, 3))
    assert seen[:, 0] == pytest.approx(expected[:, 0], abs=0.1) and seen[:, 2] == pytest.approx(
        expected[:, 2], abs=0.02
    )
    assert height - seen[:, 1] == pytest.approx(expected[:, 1], abs=0.1)
    depth_m = np.array(depth_m, float).reshape(height, width)[::-1]
    by_python, face = nearest(expected, view.mesh.faces, view.camera.size_px)
    both = np.isfinite(by_python) & np.isfinite(depth_m)
    assert (np.isfinite(by_python) == np.isfinite(depth_m)).mean() > 0.995
    assert np.median(np.abs(by_python - depth_m)[both]) < 0.02
    assert (np.append(view.greys, 255)[face] == np.reshape(grey, (height, width))[::-1]).mean() > 0.99


def test_zooming_in_leads_to_the_link(page):
    frame = opened(page, street(), link_paths(), start=1)
    frame.evaluate("zoom = 20; draw()")
    camera = View.of("", street(), link_paths(), 0, *LOOK, None).camera
    middle_m = np.mean([link_paths().tx_m[0], RX_M[1]], axis=0) - camera.center_m
    assert frame.evaluate("middle.map(x => x * D.unit_m)") == pytest.approx(0.95 * middle_m, abs=0.1)


def test_frame_cannot_reach_the_page_around_it(page):
    frame = opened(page, street())
    reach = frame.evaluate("() => { try { return parent.document.title; } catch (error) { return error.name; } }")
    assert reach == "SecurityError"


NOTEBOOK = f"""
from dnt_lab import viz
from dnt_lab.raytracing.scene import Scene
viz.scene_view(Scene.street_canyon(), title="A street with six houses", alt={ALT!r})
"""


@pytest.mark.slow
def test_view_turns_in_jupyterlab(browser_test, browser, tmp_path):
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    folder, visit = tmp_path / "notebooks", browser_test.Visit("view.ipynb")
    folder.mkdir()
    cells = [nbformat.v4.new_code_cell(NOTEBOOK.strip())]
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=kernel), folder / visit.notebook)
    with browser_test.jupyterlab(folder, tmp_path / "home") as (_, address):
        page = browser.new_page(viewport={"width": 1400, "height": 1200})
        browser_test.open_notebook(page, address, visit.notebook, visit)
        browser_test.wait_until(lambda: browser_test.run_has_ended(page), 120, "the cell")
        assert not page.locator(browser_test.FAILURES).all_inner_texts()
        frame = page.wait_for_selector(".jp-OutputArea-output iframe", timeout=30_000).content_frame()
        frame.wait_for_function("depth !== undefined")
        box = frame.frame_element().bounding_box()
        page.mouse.move(box["x"] + 300, box["y"] + 200)
        page.mouse.down()
        page.mouse.move(box["x"] + 340, box["y"] + 200, steps=4)
        page.mouse.up()
        dragged = eye(frame)
        page.keyboard.press("ArrowUp")
        assert dragged == pytest.approx([-140, 45, 1]) and eye(frame) == pytest.approx([-140, 50, 1])
        page.close()
    assert visit.console_errors == [] and visit.foreign_requests == []
