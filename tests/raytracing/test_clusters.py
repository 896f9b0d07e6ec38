"""Diffuse clusters: each drawn quantity against its law, the rules by which rays are dropped, and the seed."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from dnt_lab.physical.pathloss import SPEED_OF_LIGHT_M_S
from dnt_lab.raytracing.cluster_statistics import ClusterStatistics, Cursors
from dnt_lab.raytracing.clusters import diffuse, random_reflection_loss
from dnt_lab.raytracing.nist import IEEE_802_11AY, read_nist_library

from .path_tables import DATA, path_table

DB_PER_NEPER = 10 * np.log10(np.e)
ENDLESS = (1e12, 0.0)  # a decay so slow that it takes no dB
ROUGH = ClusterStatistics(
    pre=Cursors(3, k_db=(8.0, 5.0), gamma_ns=(1.0, 0.5), sigma_s=(0.2, 0.3), lambda_per_ns=(0.6, 0.4)),
    post=Cursors(16, k_db=(6.0, 3.0), gamma_ns=(0.7, 1.0), sigma_s=(0.3, 0.3), lambda_per_ns=(0.8, 0.5)),
    azimuth_deg=(2.0, 1.5),
    elevation_deg=(3.0, 2.0),
    loss_db=(10.0, 3.0),
    mean_loss_db=10.5,
)
LIBRARIES = [DATA / "nist_qd" / f"materialLibrary{room}.csv" for room in ("LectureRoom", "DataCenter")]


def cursors(count, *, delay_s=1e-3, **columns):
    """Reflected paths so late that none of their rays is ahead of the straight way, a receiver each."""
    return path_table(np.full(count, delay_s), 1e-4, 1, rx=np.arange(count), n_rx=count, **columns)


def rays_of(paths, statistics, seed, threshold_db=-np.inf):
    """Diffuse rays, with their cursor's number, delay after it in ns and gain over it in dB."""
    whole = diffuse(paths, statistics, seed, threshold_db=threshold_db)
    rays, cursor = whole[whole.diffuse], whole[~whole.diffuse]
    np.testing.assert_array_equal(cursor.rx, np.arange(len(cursor)))
    return rays, (rays.delay_s - cursor.delay_s[rays.rx]) * 1e9, rays.gain_db - cursor.gain_db[rays.rx]


def rice(pair):
    s, sigma = pair
    return stats.rice(s / sigma, scale=sigma)


def mixed_cdf(pair, conditional, n=1000):
    """CDF of a quantity whose law ``conditional(x, value)`` depends on a Rice-distributed value."""
    values = rice(pair).ppf((np.arange(n) + 0.5) / n)
    grid = np.concatenate([[0.0], np.geomspace(1e-6, 1e6, 400)])
    level = conditional(grid[:, None], values).mean(axis=1)
    return lambda x: np.interp(x, grid, level)


def agree(sample, law):
    """Kolmogorov-Smirnov on a fixed seed: one in ten thousand right samples would fail."""
    assert stats.kstest(sample, law).pvalue > 1e-4


# --- each drawn quantity alone, the others held fixed --------------------------------------------------------------


def alone(side, **numbers):
    """Statistics with one side only; what is not given takes no effect."""
    quiet = {"rays": 1, "gamma_ns": ENDLESS, "lambda_per_ns": (1.0, 0.0)}
    return ClusterStatistics(**{side: Cursors(**quiet | numbers)})


def check_k(side, pair, seed=0):
    rays, _, gain_db = rays_of(cursors(4000), alone(side, k_db=pair), seed)
    assert len(rays) == 4000
    agree(-gain_db, rice(pair).cdf)


def check_gamma(side, pair, seed=1):
    rays, after_ns, gain_db = rays_of(cursors(4000), alone(side, gamma_ns=pair, lambda_per_ns=(1e3, 0.0)), seed)
    assert len(rays) == 4000
    agree(-DB_PER_NEPER * np.abs(after_ns) / gain_db, rice(pair).cdf)


def check_lambda(side, pair, seed=2):
    rays, after_ns, _ = rays_of(cursors(4000), alone(side, k_db=(1.0, 0.0), lambda_per_ns=pair), seed)
    assert len(rays) == 4000
    assert (np.sign(after_ns) == (1 if side == "post" else -1)).all()
    # a millisecond of delay resolves 1e-10 ns: enough
    agree(np.abs(after_ns), mixed_cdf(pair, lambda t, rate: -np.expm1(-rate * t)))


def check_sigma_s(side, pair, seed=3):
    rays, _, gain_db = rays_of(cursors(4000), alone(side, k_db=(1000.0, 0.0), sigma_s=pair), seed)
    assert len(rays) == 4000
    deviation = (gain_db + 1000) / DB_PER_NEPER
    agree(np.abs(deviation), mixed_cdf(pair, lambda x, sigma: 2 * stats.norm.cdf(x / sigma) - 1))
    assert stats.binomtest(int((deviation > 0).sum()), 4000).pvalue > 1e-4


def check_angles(azimuth, elevation, seed=4):
    """Each end and angle deviates by a Laplace law whose standard deviation is a Rice draw of its own."""
    spread = replace(alone("post", k_db=(1.0, 0.0)), azimuth_deg=azimuth, elevation_deg=elevation)
    rays, _, _ = rays_of(cursors(4000, aod_deg=(90.0, 20.0), aoa_deg=(95.0, -30.0)), spread, seed)
    off = np.abs(np.concatenate([rays.aod_deg - [90.0, 20.0], rays.aoa_deg - [95.0, -30.0]], axis=1)).T
    for angle, pair in zip(off, (elevation, azimuth, elevation, azimuth), strict=True):
        agree(angle, mixed_cdf(pair, lambda x, std: -np.expm1(-np.sqrt(2) * x / std)))
    assert np.abs(np.corrcoef(stats.rankdata(off, axis=1)) - np.eye(4)).max() < 0.08


@pytest.mark.parametrize("side", ["pre", "post"])
def test_each_quantity_follows_its_law(side):
    pair = (0.6, 0.9)
    for check in (check_k, check_gamma, check_lambda, check_sigma_s):
        check(side, pair)


def test_angles_are_laplace_around_the_cursor_with_a_spread_per_cluster_and_end():
    check_angles((2.0, 1.5), (3.0, 0.5))


def test_a_fixed_spread_is_the_standard_deviation():
    fixed = replace(alone("post", rays=10, k_db=(1.0, 0.0)), azimuth_deg=(2.0, 0.0), elevation_deg=(3.0, 0.0))
    rays, _, _ = rays_of(cursors(2000, aoa_deg=(95.0, -30.0)), fixed, 12)
    agree(rays.aoa_deg[:, 0] - 95.0, stats.laplace(scale=3.0 / np.sqrt(2)).cdf)
    agree(rays.aoa_deg[:, 1] + 30.0, stats.laplace(scale=2.0 / np.sqrt(2)).cdf)


def test_one_cluster_has_one_rate_decay_and_spread_and_exponential_gaps():
    rays, after_ns, gain_db = rays_of(
        cursors(300), alone("post", rays=40, k_db=(5.0, 2.0), gamma_ns=(1.0, 0.5), lambda_per_ns=(0.6, 0.4)), 5
    )
    first = np.flatnonzero(rays.rx == 7)
    slope = np.diff(gain_db[first]) / np.diff(after_ns[first])
    np.testing.assert_allclose(slope, slope[0], rtol=1e-4)
    gaps = after_ns.reshape(300, 40)
    gaps = np.diff(gaps, axis=1, prepend=0.0)
    scaled = gaps / gaps.mean(axis=1, keepdims=True)  # the rate drops out; a gap is then 40 times Beta(1, 39)
    agree(scaled[:, ::8].ravel() / 40, stats.beta(1, 39).cdf)


def test_fixed_parameters_give_the_closed_form():
    one = alone("post", rays=5, k_db=(3.0, 0.0), gamma_ns=(2.0, 0.0), lambda_per_ns=(0.5, 0.0))
    rays, after_ns, gain_db = rays_of(cursors(2000), one, 6)
    np.testing.assert_allclose(gain_db, -3.0 - DB_PER_NEPER * after_ns / 2.0, atol=1e-5)
    agree(after_ns[4::5], stats.gamma(5, scale=2.0).cdf)  # the fifth arrival of a Poisson process of 0.5 a ns
    agree((np.angle(rays.gain) % (2 * np.pi)) / (2 * np.pi), stats.uniform.cdf)


@given(st.floats(0.1, 20), st.floats(0, 5), st.integers(1, 30), st.integers(0, 2**32))
def test_rays_are_weaker_than_their_cursor_above_the_threshold_and_not_ahead_of_light(k_db, sigma_s, rays, seed):
    wild = ClusterStatistics(
        pre=Cursors(rays, (k_db, 1.0), (1.0, 1.0), (sigma_s, 1.0), (1.0, 1.0)),
        post=Cursors(rays, (k_db, 1.0), (1.0, 1.0), (sigma_s, 1.0), (1.0, 1.0)),
        azimuth_deg=(100.0, 50.0),
        elevation_deg=(100.0, 50.0),
    )
    found, _, gain_db = rays_of(cursors(20, delay_s=2e-9), wild, seed, threshold_db=-20.0)
    assert ((gain_db < 0) & (gain_db > -20.0)).all()
    straight_m = np.linalg.norm(found.tx_m[found.tx] - found.rx_m[found.rx], axis=1)
    assert (found.delay_s >= straight_m / SPEED_OF_LIGHT_M_S).all()
    for angle in (found.aod_deg, found.aoa_deg):
        assert ((angle[:, 0] >= 0) & (angle[:, 0] <= 180)).all()
        assert ((angle[:, 1] > -180) & (angle[:, 1] <= 180)).all()


def test_rays_are_dropped_only_for_these_three_reasons():
    """Against a plain loop over the model: the drop rules neither take more nor less, on any side."""
    count = 3000
    for side, sign in (("pre", -1), ("post", 1)):
        one_side = replace(ROUGH, **{"pre" if side == "post" else "post": Cursors()})
        rays, after_ns, gain_db = rays_of(cursors(count, delay_s=2e-9), one_side, 8, threshold_db=-25.0)
        wanted = by_the_book(getattr(ROUGH, side), sign, 2.0, count)
        assert stats.ks_2samp(gain_db, wanted[:, 1]).pvalue > 1e-4
        assert stats.ks_2samp(after_ns, wanted[:, 0]).pvalue > 1e-4
        per_cursor = np.bincount(rays.rx, minlength=count)
        assert per_cursor.mean() == pytest.approx(len(wanted) / count, abs=5 * per_cursor.std() / np.sqrt(count / 2))


def by_the_book(side, sign, delay_ns, count, threshold_db=-25.0):
    """Rays (delay after the cursor in ns, gain over it in dB) of `count` clusters, as the model is written down."""
    rng = np.random.default_rng(10_000)
    los_ns = 0.29 / SPEED_OF_LIGHT_M_S * 1e9
    laws = [rice(getattr(side, name)) for name in ("k_db", "gamma_ns", "sigma_s", "lambda_per_ns")]
    rays = []
    for k_db, gamma_ns, sigma_s, rate in zip(*(law.rvs(count, random_state=rng) for law in laws), strict=True):
        after = 0.0
        for _ in range(side.rays):
            after += rng.exponential(1 / rate)
            gain_db = -k_db + DB_PER_NEPER * (-after / gamma_ns + rng.normal(0, sigma_s))
            if threshold_db < gain_db < 0 and delay_ns + sign * after >= los_ns:
                rays.append((sign * after, gain_db))
    return np.array(rays)


# --- which paths get a cluster, and from whom ----------------------------------------------------------------------


def test_the_line_of_sight_has_no_cluster_and_specular_paths_stay_as_they_are():
    paths = path_table([1e-9, 3e-9, 5e-9], [1.0, 0.5, 0.25j], [0, 1, 2])
    whole = diffuse(paths, ROUGH, 3)
    kept = whole[~whole.diffuse]
    for name in ("delay_s", "transfer", "order", "aod_deg", "aoa_deg", "points_m", "material_index"):
        np.testing.assert_array_equal(getattr(kept, name), getattr(paths, name))
    assert set(whole.order[whole.diffuse]) == {1, 2}
    assert (np.diff(whole.delay_s) >= 0).all()
    assert len(diffuse(paths[:1], ROUGH, 3)) == 1
    assert len(diffuse(paths[:0], ROUGH, 3)) == 0
    for statistics in (ROUGH, {"wall": ROUGH}, {"wall": None}, {}):
        direct = path_table([1e-9])
        assert len(diffuse(direct, statistics, 3)) == 1
        assert random_reflection_loss(direct, statistics, 3).gain == direct.gain


def test_a_ray_has_the_polarisation_and_surroundings_of_its_cursor():
    paths = cursors(5)
    jones = np.array([[1, 0.2j], [0.3, -0.5]]) * 1e-3
    paths = replace(paths, transfer=np.tile(jones, (5, 1, 1)))
    whole = diffuse(paths, ROUGH, 0)
    ratio = whole.transfer / jones
    np.testing.assert_allclose(ratio, ratio[:, :1, :1] * np.ones((2, 2)), rtol=1e-12)
    np.testing.assert_array_equal(whole.points_m, paths.points_m[whole.rx])
    np.testing.assert_array_equal(whole.object_index, paths.object_index[whole.rx])


def test_statistics_are_those_of_the_last_reflector():
    loud, quiet = alone("post", rays=4, k_db=(1.0, 0.0)), alone("post", rays=2, k_db=(9.0, 0.0))
    paths = path_table(np.full(3, 1e-6), 1.0, [1, 2, 2], rx=[0, 1, 2], n_rx=3, materials=("a", "b", "c"))
    hit = np.array([[0, -1], [0, 1], [1, 2]])
    rays, _, gain_db = rays_of(replace(paths, material_index=hit), {"a": loud, "b": quiet, "c": None}, 0)
    assert np.bincount(rays.rx, minlength=3).tolist() == [4, 2, 0]
    np.testing.assert_allclose(gain_db, np.where(rays.rx == 0, -1.0, -9.0), atol=1e-6)


def test_one_entry_for_all_and_one_a_material_are_the_same_draws():
    paths = cursors(50, materials=("brick", "glass"), material=np.arange(50) % 2)
    one, each = diffuse(paths, ROUGH, 9), diffuse(paths, {"brick": ROUGH, "glass": ROUGH}, 9)
    np.testing.assert_array_equal(one.transfer, each.transfer)


@pytest.mark.parametrize("statistics", [ROUGH, IEEE_802_11AY["LivingRoom"]])
def test_the_seed_decides(statistics):
    paths = cursors(20)
    first, again = (diffuse(paths, statistics, seed) for seed in (4, np.random.default_rng(4)))
    for name in ("delay_s", "transfer", "aod_deg", "aoa_deg"):
        np.testing.assert_array_equal(getattr(first, name), getattr(again, name))
    assert not np.array_equal(first.delay_s[:5], diffuse(paths, statistics, 5).delay_s[:5])


def test_802_11ay_rays_are_of_fixed_number_with_gaussian_angles():
    rays, after_ns, gain_db = rays_of(
        cursors(1500, aod_deg=(90.0, 0.0), aoa_deg=(90.0, 10.0)), IEEE_802_11AY["LivingRoom"], 0
    )
    assert (np.bincount(rays.rx) == 6 + 8).all()
    before = after_ns < 0
    np.testing.assert_allclose(gain_db[before], -11.5 + DB_PER_NEPER * after_ns[before] / 1.25, atol=1e-5)
    np.testing.assert_allclose(gain_db[~before], -10.9 - DB_PER_NEPER * after_ns[~before] / 8.7, atol=1e-5)
    agree(after_ns.reshape(1500, 14)[:, 6], stats.expon(scale=1.0).cdf)
    agree(-after_ns.reshape(1500, 14)[:, 5], stats.expon(scale=1 / 0.29).cdf)
    agree((rays.aoa_deg[:, 1] - 10.0)[::7], stats.norm(scale=10.0).cdf)
    agree((rays.aod_deg[:, 0] - 90.0)[::7], stats.norm(scale=10.0).cdf)


# --- random reflection loss ----------------------------------------------------------------------------------------


def test_random_loss_replaces_the_mean_at_every_bounce():
    paths = path_table(np.full(8000, 1e-6), 10 ** (-10.5 / 20), 1, rx=np.arange(8000), n_rx=8000)
    drawn = random_reflection_loss(paths, ROUGH, 1)
    agree(-drawn.gain_db, rice((10.0, 3.0)).cdf)
    np.testing.assert_array_equal(drawn.delay_s, paths.delay_s)

    twice = path_table(np.full(8000, 1e-6), 10 ** (-21 / 20), 2, rx=np.arange(8000), n_rx=8000)
    loss_db = -random_reflection_loss(twice, ROUGH, 2).gain_db
    assert loss_db.mean() == pytest.approx(2 * rice((10.0, 3.0)).mean(), abs=0.15)
    assert loss_db.var() == pytest.approx(2 * rice((10.0, 3.0)).var(), rel=0.06)


def test_random_loss_leaves_line_of_sight_and_smooth_materials_alone():
    paths = path_table([1e-9, 2e-9, 3e-9], 0.1, [0, 1, 1], material=[0, 0, 1], materials=("rough", "smooth"))
    drawn = random_reflection_loss(paths, {"rough": ROUGH, "smooth": None}, 0)
    assert (drawn.gain == paths.gain).tolist() == [True, False, True]
    assert (random_reflection_loss(paths, {"rough": None, "smooth": None}, 0).gain == paths.gain).all()
    fixed = replace(ROUGH, loss_db=(12.0, 0.0), mean_loss_db=10.0)
    np.testing.assert_allclose(random_reflection_loss(paths, fixed, 0).gain_db, [-20, -22, -22])


# --- NIST's tables -------------------------------------------------------------------------------------------------


def library(path):
    if not path.exists():
        pytest.skip(f"no {path.name} in the measured data beside the checkout")
    return read_nist_library(path).statistics


@pytest.mark.parametrize("path", LIBRARIES, ids=["lecture room", "data center"])
def test_clusters_follow_every_row_of_the_measured_table(path):
    for number, (name, row) in enumerate(library(path).items()):
        for side in ("pre", "post"):
            numbers = getattr(row, side)
            if not numbers.arrive:
                missing = ClusterStatistics(**{side: numbers})
                assert len(rays_of(cursors(50), missing, 0)[0]) == 0, name
                continue
            for check, pair in (
                (check_k, numbers.k_db),
                (check_gamma, numbers.gamma_ns),
                (check_lambda, numbers.lambda_per_ns),
                (check_sigma_s, numbers.sigma_s),
            ):
                check(side, pair, seed=10 * number)
        if row.post.arrive:
            check_angles(row.azimuth_deg, row.elevation_deg, seed=number)


@pytest.mark.parametrize("path", LIBRARIES, ids=["lecture room", "data center"])
def test_whole_clusters_of_every_row_agree_with_a_plain_loop(path):
    for name, row in library(path).items():
        for side, sign in (("pre", -1), ("post", 1)):
            numbers = getattr(row, side)
            if not numbers.arrive:
                continue
            one_side = ClusterStatistics(**{side: numbers})
            rays, after_ns, gain_db = rays_of(cursors(1500, delay_s=20e-9), one_side, 11, threshold_db=-25.0)
            wanted = by_the_book(numbers, sign, 20.0, 500)
            assert stats.ks_2samp(gain_db, wanted[:, 1]).pvalue > 1e-4, (name, side)
            assert stats.ks_2samp(after_ns, wanted[:, 0]).pvalue > 1e-4, (name, side)
            assert len(rays) / 1500 == pytest.approx(len(wanted) / 500, rel=0.2), (name, side)


@pytest.mark.parametrize("path", LIBRARIES, ids=["lecture room", "data center"])
def test_random_losses_have_the_measured_mean(path):
    within_db = {"LectureRoom": 0.4, "DataCenter": 0.05}[path.stem.removeprefix("materialLibrary")]
    for name, row in library(path).items():
        assert rice(row.loss_db).mean() == pytest.approx(row.mean_loss_db, abs=within_db), name
        paths = path_table(np.full(4000, 1e-6), 10 ** (-row.mean_loss_db / 20), 1, rx=np.arange(4000), n_rx=4000)
        agree(-random_reflection_loss(paths, row, 5).gain_db, rice(row.loss_db).cdf)


# --- bad input -----------------------------------------------------------------------------------------------------


def test_bad_input_is_refused_in_one_sentence():
    paths = cursors(2)
    with pytest.raises(ValueError, match=r"threshold_db is 3, but must be below 0 dB"):
        diffuse(paths, ROUGH, 0, threshold_db=3)
    with pytest.raises(ValueError, match=r"threshold_db is nan"):
        diffuse(paths, ROUGH, 0, threshold_db=np.nan)
    with pytest.raises(TypeError, match=r"seed is None, but must be a whole number"):
        diffuse(paths, ROUGH, None)
    with pytest.raises(TypeError, match=r"statistics are 'LivingRoom', but must be ClusterStatistics or a dict"):
        diffuse(paths, "LivingRoom", 0)
    with pytest.raises(ValueError, match=r"statistics have no entry for wall, but each reflecting material needs one"):
        diffuse(paths, {"glass": ROUGH}, 0)
    with pytest.raises(TypeError, match=r"statistics hold 3, but each entry must be ClusterStatistics or None"):
        diffuse(paths, {"wall": 3}, 0)
    with pytest.raises(ValueError, match=r"paths do not say what they hit"):
        diffuse(replace(paths, material_index=np.full((2, 1), -1)), {"wall": ROUGH}, 0)
    with pytest.raises(ValueError, match=r"paths hold \d+ diffuse rays, but clusters grow from traced paths only"):
        diffuse(diffuse(paths, ROUGH, 0), ROUGH, 0)
    with pytest.raises(ValueError, match=r"statistics without loss_db were given"):
        random_reflection_loss(paths, IEEE_802_11AY["LivingRoom"], 0)


def test_impossible_statistics_are_refused():
    with pytest.raises(ValueError, match=r"k_db is \(1.0, -2.0\), but must be \(s, sigma\), two finite numbers >= 0"):
        Cursors(1, k_db=(1.0, -2.0))
    with pytest.raises(ValueError, match=r"lambda_per_ns is 3.0, but must be"):
        Cursors(1, lambda_per_ns=3.0)
    with pytest.raises(TypeError, match=r"rays is 2.5, but must be a whole number"):
        Cursors(2.5)
    with pytest.raises(ValueError, match=r"gamma_ns is \(0, 0\) where rays arrive"):
        Cursors(3, lambda_per_ns=(1.0, 0.0))
    with pytest.raises(ValueError, match=r"azimuth_deg is \(nan, 1\)"):
        ClusterStatistics(azimuth_deg=(np.nan, 1))
    with pytest.raises(ValueError, match=r"angle_law is 'cauchy', but must be one of 'laplace', 'gauss'"):
        ClusterStatistics(angle_law="cauchy")
    with pytest.raises(ValueError, match=r"loss_db is \(1, 1\) and mean_loss_db is None, but both are needed"):
        ClusterStatistics(loss_db=(1, 1))
    with pytest.raises(ValueError, match=r"mean_loss_db is nan, but must be a finite number of dB, 0 or more"):
        ClusterStatistics(loss_db=(1, 1), mean_loss_db=np.nan)
    with pytest.raises(TypeError, match=r"post is 16, but must be Cursors"):
        ClusterStatistics(post=16)
