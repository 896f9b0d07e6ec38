"""Materials: check values of ITU-R P.2040-4, frequency ranges, names, and the sentences for what is wrong."""

from dataclasses import FrozenInstanceError
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dnt_lab.raytracing.fresnel import half_space
from dnt_lab.raytracing.itu_table import ITU_MATERIALS, ITU_ROWS
from dnt_lab.raytracing.materials import FixedLoss, ItuMaterial, Material, itu_material, material_of, named

ORACLE = Path(__file__).parents[2].parent / "shared/data/oracles/street_canyon/street_canyon_28ghz.npz"


def loss_db(r):
    return -20 * np.log10(np.abs(r))


@pytest.mark.parametrize(
    ("name", "sigma_s_per_m"),
    [("concrete", 0.62605), ("glass", 0.31234), ("wood", 0.16717), ("brick", 0.04056), ("marble", 0.12043)],
)
def test_conductivity_at_28_ghz(name, sigma_s_per_m):
    assert itu_material(name).at(28e9).conductivity_s_per_m == pytest.approx(sigma_s_per_m, abs=5e-6)


@pytest.mark.parametrize(
    ("name", "normal_db", "te_60_db", "tm_60_db"),
    [
        ("concrete", 8.112, 4.164, 19.381), ("glass", 7.317, 3.738, 16.783), ("brick", 9.675, 5.021, 26.460),
        ("wood", 15.328, 8.367, 24.931), ("plasterboard", 12.166, 6.443, 35.518), ("metal", 0.005, 0.002, 0.010),
    ],
)  # fmt: skip
def test_reflection_loss_of_half_spaces_at_28_ghz(name, normal_db, te_60_db, tm_60_db):
    r_te, r_tm = itu_material(name, thickness_m=None).reflection([1.0, 0.5], 28e9)
    np.testing.assert_allclose(loss_db(r_te), [normal_db, te_60_db], atol=6e-4)
    np.testing.assert_allclose(loss_db(r_tm), [normal_db, tm_60_db], atol=6e-4)


@pytest.mark.parametrize(  # reflected share of the power at 140 GHz, computed by others from Table 3 of P.2040-4
    ("name", "power"), [("concrete", 0.152271), ("brick", 0.116877), ("glass", 0.192810), ("wood", 0.022409)]
)
def test_reflected_power_at_140_ghz(name, power):
    r_te, _ = itu_material(name, thickness_m=None).reflection(1.0, 140e9)
    assert np.abs(r_te) ** 2 == pytest.approx(power, abs=2e-6)


@pytest.mark.skipif(not ORACLE.exists(), reason="the oracles in shared/data are not here")
def test_table_equals_the_street_canyons():
    oracle = np.load(ORACLE)
    names = oracle["object_material"].tolist()
    numbers = [(m.relative_permittivity, m.conductivity_s_per_m) for m in (itu_material(n).at(28e9) for n in names)]
    np.testing.assert_allclose(numbers, np.column_stack([oracle["eps_r"], oracle["sigma_s_per_m"]]), rtol=1e-6)


def test_both_constants_follow_the_frequency():
    ground = itu_material("wet_ground")
    assert ground.at(8e9).relative_permittivity == pytest.approx(30 / 8**0.4)
    assert ground.at(8e9).conductivity_s_per_m == pytest.approx(0.15 * 8**1.3)


@pytest.mark.parametrize("name", ITU_MATERIALS)
def test_every_row_holds_at_its_own_ends(name):
    for row in ITU_ROWS[name]:
        for f_ghz in (row.low_ghz, row.high_ghz):
            assert itu_material(name).at(f_ghz * 1e9).relative_permittivity >= 1


@pytest.mark.parametrize(("name", "f_ghz"), [("marble", 60), ("floorboard", 50), ("concrete", 100), ("wood", 0.001)])
def test_ends_of_a_range_belong_to_it(name, f_ghz):
    assert itu_material(name).at(f_ghz * 1e9) == itu_material(name).at(f_ghz * 1e9, extrapolate=True)


@pytest.mark.parametrize(
    ("name", "f_ghz", "ranges"),
    [
        ("brick", 60, "1-40 and 110-330"), ("concrete", 0.5, "1-100 and 110-330"),
        ("wet_ground", 28, "1-10"), ("floorboard", 28, "50-100"), ("metal", 140, "1-100"),
    ],
)  # fmt: skip
def test_outside_its_ranges_a_material_says_so(name, f_ghz, ranges):
    material = itu_material(name)
    for question in (lambda: material.at(f_ghz * 1e9), lambda: material.reflection(1.0, f_ghz * 1e9)):
        with pytest.raises(
            ValueError, match=rf"{name} is not defined at {f_ghz} GHz, but in {ranges}.*extrapolate=True"
        ):
            question()


@pytest.mark.parametrize(
    ("name", "f_ghz", "eps_r", "sigma_s_per_m"),
    [
        ("brick", 60, 3.91, 0.0238 * 60**0.16),  # 60 is 1.5 times 40, and 110 is 1.8 times 60
        ("concrete", 0.5, 5.24, 0.0462 * 0.5**0.7822),
        ("concrete", 104, 5.24, 0.0462 * 104**0.7822),
        ("concrete", 106, 5.17, 0.0145 * 106**1.09),
        ("marble", 500, 8.62, 0.0027 * 500**1.15),
    ],
)
def test_extrapolation_takes_the_nearest_range(name, f_ghz, eps_r, sigma_s_per_m):
    at = itu_material(name).at(f_ghz * 1e9, extrapolate=True)
    assert (at.relative_permittivity, at.conductivity_s_per_m) == pytest.approx((eps_r, sigma_s_per_m))
    reflected = itu_material(name, None).reflection(0.7, f_ghz * 1e9, extrapolate=True)
    np.testing.assert_array_equal(reflected, Material(eps_r, sigma_s_per_m).reflection(0.7, f_ghz * 1e9))


def test_a_name_alone_makes_a_wall_of_ten_centimetres():
    assert material_of("concrete") == itu_material("concrete", 0.1)
    slab_te, _ = material_of("wood").reflection(1.0, 28e9)
    thick_te, _ = itu_material("wood", None).reflection(1.0, 28e9)
    assert slab_te != pytest.approx(thick_te, rel=1e-3)


@pytest.mark.parametrize("spelling", ["ceiling_board", "itu_ceiling_board", "ceiling board", "ITU-Ceiling-Board"])
def test_spellings_of_a_name(spelling):
    assert itu_material(spelling) == ItuMaterial("ceiling_board")


@given(st.sampled_from(ITU_MATERIALS), st.floats(0, 1), st.floats(1e9, 4e11), st.none() | st.floats(0, 1))
def test_no_material_returns_more_than_comes(name, cos_incidence, freq_hz, thickness_m):
    r = np.array(itu_material(name, thickness_m).reflection(cos_incidence, freq_hz, extrapolate=True))
    assert np.isfinite(r).all()
    assert np.abs(r).max() <= 1 + 1e-9


def test_reflection_has_the_shape_of_the_cosines():
    for material in (Material(4.0), Material(4.0, 0.1, 0.1), itu_material("glass"), FixedLoss(10.0)):
        for cosines in (0.5, [0.5], np.full((2, 3), 0.5), []):
            for r in material.reflection(cosines, 28e9):
                assert r.shape == np.shape(cosines)
                assert r.dtype == complex


def test_a_material_without_thickness_is_a_half_space():
    np.testing.assert_allclose(Material(4.0).reflection([1, 0.3], 28e9), half_space([1, 0.3], 4.0), rtol=1e-14)


def test_fixed_loss_is_a_mirror_with_a_loss():
    r_te, r_tm = FixedLoss(15.0).reflection([0.0, 0.5, 1.0], 60e9)
    np.testing.assert_allclose(loss_db(r_te), 15)
    metal_te, metal_tm = itu_material("metal").reflection([0.01, 0.5, 1.0], 60e9)
    assert np.array_equal(np.sign(r_te.real), np.sign(metal_te.real))
    assert np.array_equal(np.sign(r_tm.real[1:]), np.sign(metal_tm.real[1:]))


def test_fixed_loss_holds_where_it_was_measured():
    wall = FixedLoss(10.0, freq_range_hz=(57e9, 64e9), name="curtain")
    assert wall.reflection(1.0, 60e9)[1] == pytest.approx(10**-0.5)
    with pytest.raises(ValueError, match=r"curtain is not known at 28 GHz, but in 57-64 GHz; extrapolate=True"):
        wall.reflection(1.0, 28e9)
    assert wall.reflection(1.0, 28e9, extrapolate=True)[1] == pytest.approx(10**-0.5)


def test_materials_do_not_change_and_compare_by_value():
    wall = Material(4, 1, 0.1, name="wall")
    with pytest.raises(FrozenInstanceError):
        wall.thickness_m = 0.2
    assert wall == Material(4.0, 1.0, 0.1, "wall") != Material(4.0, 1.0, 0.1)
    assert len({wall, Material(4.0, 1.0, 0.1, "wall")}) == 1


def test_who_has_no_name_is_named_after_his_numbers():
    assert named(Material(4.0, 0.1)).name == "4.0, 0.1 S/m, half-space"
    assert named(Material(4.0, 0.1, 0.2)).name == "4.0, 0.1 S/m, 0.2 m"
    assert named(FixedLoss(15.0)).name == "15.0 dB"
    assert named(FixedLoss(15.0, (0, 1e9))).name != named(FixedLoss(15.0, (0, 2e9))).name
    assert named(Material(4.0), "yard").name == "yard"
    assert named(itu_material("glass"), "yard").name == "glass"


@pytest.mark.parametrize(
    ("make", "error", "sentence"),
    [
        (lambda: Material(0.5), ValueError, "relative_permittivity is 0.5, but must be a finite number, 1 or more"),
        (lambda: Material(np.nan), ValueError, "relative_permittivity is nan, but must be a finite"),
        (lambda: Material("4"), TypeError, "relative_permittivity is '4', but must be a number, 1 or more"),
        (lambda: Material(True), TypeError, "relative_permittivity is True, but must be a number"),
        (lambda: Material(4 + 1j), TypeError, r"relative_permittivity is \(4\+1j\), but must be a number"),
        (lambda: Material(4, -1), ValueError, "conductivity_s_per_m is -1, but must be a finite number, 0 or more"),
        (lambda: Material(4, 1, -0.1), ValueError, "thickness_m is -0.1, but must be a finite number, 0 or more"),
        (lambda: Material(4, 1, np.inf), ValueError, "thickness_m is inf"),
        (lambda: Material(4, name=3), TypeError, "name is 3, but must be text"),
        (lambda: itu_material("cheese"), ValueError, "'cheese' is not in ITU-R P.2040-4, which knows vacuum, concrete"),
        (lambda: itu_material(5), ValueError, "the material '5' is not in ITU-R P.2040-4"),
        (lambda: ItuMaterial("itu_wood"), ValueError, "itu is 'itu_wood', but must be one of vacuum"),
        (lambda: itu_material("wood", "thin"), TypeError, "thickness_m is 'thin', but must be a number"),
        (lambda: FixedLoss(-3), ValueError, "loss_db is -3, but must be a finite number, 0 or more"),
        (lambda: FixedLoss(3, (2, 1)), ValueError, r"freq_range_hz is \(2, 1\), but must be \(lowest, highest\) in Hz"),
        (lambda: material_of(4.0), TypeError, "the material is 4.0, but must be a Material, .* such as 'concrete'"),
        (lambda: material_of(Material), TypeError, "the material is .*, but must be a Material"),
        (lambda: Material(4).reflection(1.0, 0), ValueError, "freq_hz is 0, but must be a finite number of Hz above 0"),
        (lambda: Material(4).reflection(1.0, "28e9"), TypeError, "freq_hz is '28e9', but must be a number of Hz"),
        (lambda: FixedLoss(4).reflection(1.0, np.nan), ValueError, "freq_hz is nan, but must be a finite number"),
        (lambda: itu_material("wood").at(-1.0), ValueError, "freq_hz is -1.0, but must be a finite number"),
    ],
)
def test_what_is_wrong_is_said(make, error, sentence):
    with pytest.raises(error, match=sentence):
        make()
