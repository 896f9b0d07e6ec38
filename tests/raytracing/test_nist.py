"""NIST's material libraries: files written here, and the real ones where they lie beside the checkout."""

import numpy as np
import pytest

from dnt_lab.raytracing import nist
from dnt_lab.raytracing.clusters import diffuse
from dnt_lab.raytracing.materials import FixedLoss, Material

from .path_tables import DATA, path_table

COLUMNS = (
    "Reflector,n_Precursor,n_Postcursor,"
    + ",".join(
        f"{rice}_{name}_{side}cursor"
        for name in ("K", "gamma", "sigmaS", "lambda")
        for side in ("Pre", "Post")
        for rice in ("s", "sigma")
    )
    + ",s_sigmaAlphaAz,sigma_sigmaAlphaAz,s_sigmaAlphaEl,sigma_sigmaAlphaEl,s_RL,sigma_RL,mu_RL"
)
NUMBERS = "3,16," + ",".join(str(n) for n in range(1, 23)) + ",23.5"


def written(folder, *lines, end="\n"):
    path = folder / "library.csv"
    path.write_text(end.join(lines), encoding="utf-8")
    return path


def test_every_column_lands_in_its_place(tmp_path):
    library = nist.read_nist_library(written(tmp_path, COLUMNS, f"Wall,{NUMBERS}", f"Desk,{NUMBERS}", ""))
    assert library.materials["Desk"] == FixedLoss(23.5, (57e9, 66e9), "Desk")
    wall = library.statistics["Wall"]
    assert (wall.pre.rays, wall.post.rays) == (3, 16)
    assert (wall.pre.k_db, wall.post.k_db) == ((1, 2), (3, 4))
    assert (wall.pre.gamma_ns, wall.post.gamma_ns) == ((5, 6), (7, 8))
    assert (wall.pre.sigma_s, wall.post.sigma_s) == ((9, 10), (11, 12))
    assert (wall.pre.lambda_per_ns, wall.post.lambda_per_ns) == ((13, 14), (15, 16))
    assert (wall.azimuth_deg, wall.elevation_deg) == ((17, 18), (19, 20))
    assert (wall.loss_db, wall.mean_loss_db, wall.angle_law) == ((21, 22), 23.5, "laplace")


def test_the_order_of_columns_line_ends_and_a_byte_order_mark_do_not_matter(tmp_path):
    plain = nist.read_nist_library(written(tmp_path, COLUMNS, f"Wall,{NUMBERS}"))
    names, values = COLUMNS.split(","), ["Wall", *NUMBERS.split(",")]
    turned = "\ufeff" + ",".join(names[::-1]), ",".join(values[::-1])
    assert nist.read_nist_library(written(tmp_path, *turned, end="\r\n")) == plain


def test_permittivity_is_read_as_a_lossy_material_whatever_the_sign(tmp_path):
    rows = ["Reflector,Material,RelativePermittivity", "Floor,Concrete,4+0.2j", "Door,Wood, 1.5761 - 0.0962j"]
    library = nist.read_nist_library(written(tmp_path, *rows))
    assert library.statistics == {}
    floor, door = library.materials["Floor"], library.materials["Door"]
    assert isinstance(floor, Material)
    assert (floor.name, floor.thickness_m) == ("Floor", None)
    # normal incidence on a half-space: |(1 - sqrt eps) / (1 + sqrt eps)|
    for material, eps in ((floor, 4 - 0.2j), (door, 1.5761 - 0.0962j)):
        r_te, r_tm = material.reflection(1.0, 60e9)
        expected = abs((1 - np.sqrt(eps)) / (1 + np.sqrt(eps)))
        assert abs(r_te) == pytest.approx(expected, rel=1e-9)
        assert abs(r_tm) == pytest.approx(expected, rel=1e-9)


def test_measured_losses_hold_in_the_60_ghz_band_only():
    wall = nist.MEASURED_60GHZ["LectureRoom/RightWall"]
    for freq_hz in (58.32e9, 60e9, 64.8e9):
        assert np.abs(wall.reflection(0.5, freq_hz)) == pytest.approx([10 ** (-10.80 / 20)] * 2)
    with pytest.raises(ValueError, match=r"LectureRoom/RightWall is not known at 28 GHz, but in 57-66 GHz"):
        wall.reflection(0.5, 28e9)


@pytest.mark.parametrize(
    ("lines", "sentence"),
    [
        (["a,b", "1,2"], r"library.csv lacks Reflector, s_K_Precursor, .* but a material library of NIST Q-D has"),
        ([""], r"library.csv lacks Reflector"),
        ([COLUMNS], r"library.csv lacks rows, but a material library"),
        ([COLUMNS.replace(",mu_RL", ""), "Wall" + ",1" * 24], r"library.csv lacks mu_RL, but"),
        ([COLUMNS, f"Wall,{NUMBERS}", f"Wall,{NUMBERS}"], r"library.csv names the reflector Wall twice"),
        (
            [COLUMNS, f"Wall,{NUMBERS}".replace("23.5", "loud")],
            r"Wall: mu_RL is 'loud', but must be a number such as 4.0",
        ),
        ([COLUMNS, f"Wall,{NUMBERS}".replace("3,16", "3,-16")], r"reflector Wall: rays is -16, but must be 0 or more"),
        ([COLUMNS, f"Wall,{NUMBERS}".replace("3,16", "3,1.6")], r"reflector Wall: rays is 1.6, but must be a whole"),
        ([COLUMNS, "Wall,3,16"], r"reflector Wall: s_K_Precursor is None, but must be a number"),
        (["Reflector,RelativePermittivity", "Sky,0.5+0j"], r"reflector Sky: relative_permittivity is 0.5, but must be"),
        (
            ["Reflector,RelativePermittivity", "Sky,blue"],
            r"Sky: RelativePermittivity is 'blue', but must be a number such as \(4\+0j\)",
        ),
    ],
)
def test_a_bad_file_is_refused_in_one_sentence(tmp_path, lines, sentence):
    with pytest.raises(ValueError, match=sentence):
        nist.read_nist_library(written(tmp_path, *lines))


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"nowhere.csv"):
        nist.read_nist_library(tmp_path / "nowhere.csv")


# --- the real tables -----------------------------------------------------------------------------------------------


def real(name):
    path = DATA / name
    if not path.exists():
        pytest.skip(f"no {name} in the measured data beside the checkout")
    return path


@pytest.mark.parametrize("room", ["LectureRoom", "DataCenter"])
def test_the_cited_losses_are_those_of_the_table(room):
    library = nist.read_nist_library(real(f"nist_qd/materialLibrary{room}.csv"))
    cited = {name.split("/")[1]: m.loss_db for name, m in nist.MEASURED_60GHZ.items() if name.startswith(room)}
    assert cited | {"Floor": cited["Ceiling"]} == {name: m.loss_db for name, m in library.materials.items()}
    assert library.statistics.keys() == library.materials.keys()


def test_single_numbers_of_the_measured_tables():
    center = nist.read_nist_library(real("nist_qd/materialLibraryDataCenter.csv")).statistics
    assert not (center["Racktop"].pre.arrive or center["Racktop"].post.arrive)
    assert not center["Curtain"].pre.arrive
    assert center["WallandColumn"].post.lambda_per_ns == (0.03, 0.91)
    assert center["Rackside"].elevation_deg == (4.38, 1.03)
    lecture = nist.read_nist_library(real("nist_qd/materialLibraryLectureRoom.csv")).statistics
    assert lecture["TopWall"].pre.sigma_s == (0.2430, 0.2730)
    assert lecture["BottomWall"].post.gamma_ns == (0.6881, 0.3566)


@pytest.mark.parametrize("room", ["ConferenceRoom", "LivingRoom", "StreetCanyon"])
def test_real_permittivity_libraries_are_read(room):
    library = nist.read_nist_library(real(f"nist_qd/materialLibrary{room}.csv"))
    assert len(library.materials) >= 4
    assert all(0 < abs(m.reflection(1.0, 60e9)[0]) < 0.5 for m in library.materials.values())


def test_802_11ay_clusters_are_those_of_the_table():
    header, *rows = real("oracles/nist_qd/intraClusterTgayParameters.txt").read_text().splitlines()
    assert header.startswith("Scenario,nPre,KfactorPre,gammaPre,lambdaPre,nPost")
    assert {row.split(",")[0] for row in rows} == set(nist.IEEE_802_11AY)
    for row in rows:
        name, *numbers = row.split(",")
        cluster, numbers = nist.IEEE_802_11AY[name], [float(number) for number in numbers]
        for side, (rays, k_db, gamma_s, lambda_hz) in ((cluster.pre, numbers[:4]), (cluster.post, numbers[4:8])):
            assert side.rays == rays
            assert side.sigma_s == (0.0, 0.0)
            assert side.k_db == (k_db, 0.0)
            assert side.gamma_ns == pytest.approx((gamma_s * 1e9, 0.0))
            assert side.lambda_per_ns == pytest.approx((lambda_hz / 1e9, 0.0))
        assert cluster.azimuth_deg == cluster.elevation_deg == (numbers[8], 0.0)
        assert cluster.angle_law == "gauss"


def test_measured_statistics_go_straight_into_clusters():
    statistics = nist.read_nist_library(real("nist_qd/materialLibraryLectureRoom.csv")).statistics
    names = tuple(statistics)
    paths = path_table(np.full(700, 50e-9), 1e-4, 1, material=np.arange(700) % 7, materials=names)
    whole = diffuse(paths, statistics, 0)
    found = np.bincount(whole.material_index[whole.diffuse, 0], minlength=7)
    assert (found > 100).all()
