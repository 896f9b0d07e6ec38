"""Colours that everybody can tell apart, also in grey; texts that can be read."""

from itertools import combinations

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_rgb

from dnt_lab import viz
from dnt_lab.viz.style import GREY_SAFE

# G. Machado, M. Oliveira, L. Fernandes, "A physiologically-based model for simulation of color vision deficiency",
# IEEE TVCG 15(6), 2009: matrices for full deficiency (severity 1.0), applied to linear RGB.
VISION = {
    "normal": np.eye(3),
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}
# sRGB to XYZ, D65 (IEC 61966-2-1)
XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)
MIN_DELTA_E = 15.0  # CIE 1976; 2.3 is just noticeable
MIN_GREY_STEP = 11.0  # in CIE lightness, 0 to 100


def lab(color, vision="normal"):
    srgb = np.array(to_rgb(color))
    linear = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    seen = np.clip(np.asarray(VISION[vision]) @ linear, 0, 1)
    ratio = XYZ @ seen / XYZ.sum(axis=1)
    f = np.where(ratio > (6 / 29) ** 3, np.cbrt(ratio), ratio / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def test_lab_of_white_and_pure_red():
    assert lab("white") == pytest.approx([100, 0, 0], abs=0.01)
    assert lab("#ff0000") == pytest.approx([53.24, 80.09, 67.20], abs=0.05)  # published value for sRGB red, D65


@pytest.mark.parametrize("vision", VISION)
@pytest.mark.parametrize("colors", [viz.CYCLE, tuple(viz.COLORS.values())], ids=["cycle", "roles"])
def test_all_colours_differ_for_every_kind_of_vision(vision, colors):
    for one, other in combinations(colors, 2):
        assert np.linalg.norm(lab(one, vision) - lab(other, vision)) >= MIN_DELTA_E, (one, other)


def test_the_threshold_is_one_that_a_bad_palette_misses():
    red, green = "#d62728", "#2ca02c"  # matplotlib's default pair
    assert (
        np.linalg.norm(lab(red, "deuteranopia") - lab(green, "deuteranopia"))
        < np.linalg.norm(lab(red) - lab(green)) / 3
    )
    assert abs(lab("#0072B2")[0] - lab("#D55E00")[0]) < MIN_GREY_STEP  # a pair the order of CYCLE keeps apart


def test_first_colours_of_the_cycle_differ_in_grey():
    for one, other in combinations(viz.CYCLE[:GREY_SAFE], 2):
        assert abs(lab(one)[0] - lab(other)[0]) >= MIN_GREY_STEP, (one, other)


def test_physical_network_twin_and_isolated_twin_differ_in_grey():
    lightness = sorted(lab(viz.COLORS[role])[0] for role in ("physical", "twin", "isolated"))
    assert min(np.diff(lightness)) >= 20


def test_sequential_colours_grow_lighter_all_the_way():
    lightness = [lab(c)[0] for c in mpl.colormaps[viz.SEQUENTIAL](np.linspace(0, 1, 32))]
    assert np.all(np.diff(lightness) > 1)


def test_no_two_roles_share_line_style_and_marker():
    looks = {(style["linestyle"], style["marker"]) for style in viz.STYLES.values()}
    assert len(looks) == len(viz.STYLES) == len(viz.COLORS)


def test_use_style_sets_the_sheet():
    with mpl.rc_context():
        viz.use_style()
        cycle = plt.rcParams["axes.prop_cycle"].by_key()
        assert tuple(c.lower() for c in cycle["color"]) == tuple(c.lower() for c in viz.CYCLE)
        assert len(set(map(str, cycle["linestyle"]))) == len(viz.CYCLE)
        for key in ("font.size", "axes.titlesize", "axes.labelsize", "ytick.labelsize", "figure.titlesize"):
            assert plt.rcParams[key] >= 9, key
        assert plt.rcParams["legend.fontsize"] >= 9 and plt.rcParams["xtick.labelsize"] >= 9


def test_roles_can_be_plotted_and_changed_without_changing_the_role():
    style = viz.role_style("twin")
    style["color"] = "red"
    assert viz.role_style("twin")["color"] == viz.COLORS["twin"]
    with pytest.raises(ValueError, match=r"role 'twins' is not known; it must be one of physical, twin"):
        viz.role_style("twins")
