"""Candidate twins: what they know exactly, how unsure they are elsewhere, and what they cost."""

import numpy as np
import pytest

from dnt_lab.mapping.merging import Samples, channel_knowledge_twin, map_twin, statistical_twin
from dnt_lab.physical import pathloss

TX_M, FREQ_HZ = np.array([0.0, 0.0, 10.0]), 28e9


def grid(spacing_m=10.0):
    side = np.arange(-50, 51, spacing_m)
    return np.stack(np.meshgrid(side, side), axis=-1).reshape(-1, 2)


def tracks(n=60, seed=0, offset_db=7.0):
    """Samples along the line y = 0 of a world 7 dB better than the standard, all in sight to the east."""
    rng = np.random.default_rng(seed)
    xy_m = np.column_stack([np.linspace(-50, 50, n) + 0.1, np.full(n, 4.0)])
    expected = statistical_twin(TX_M, FREQ_HZ).belief(xy_m, 0.0).mean_db
    gain_db = expected + offset_db + rng.normal(size=n)
    return Samples(xy_m, np.arange(n) % 5.0, gain_db, xy_m[:, 0] > 0, np.where(xy_m[:, 0] > 0, 0.0, 40.0), 1.0)


def test_a_map_answers_with_its_values_at_its_points_and_between_them_in_between():
    points_m = grid()
    gain_db = -100 + 0.2 * points_m[:, 0]
    twin = map_twin("map", points_m, gain_db, points_m[:, 0] > 0, np.zeros(len(points_m)), 4.0)
    there = twin.belief(points_m, 0.0)
    np.testing.assert_allclose(there.mean_db, gain_db, atol=0.1)
    np.testing.assert_allclose(there.los, points_m[:, 0] > 0, atol=0.02)
    between = twin.belief([[5.0, 5.0]], 0.0)
    assert between.mean_db[0] == pytest.approx(-99.0)
    assert between.los[0] == pytest.approx(0.5)
    np.testing.assert_allclose(between.departure, [[1.0, 0.0]])
    assert twin.n_bytes == 3 * len(points_m)


def test_a_map_gets_less_sure_with_age():
    points_m = grid()
    twin = map_twin(
        "map", points_m, 0 * points_m[:, 0], points_m[:, 0] > 0, np.zeros(121), 4.0, made_h=-48.0, drift_db=2.0
    )
    np.testing.assert_allclose(twin.belief(points_m, 0.0).std_db, np.sqrt(16 + 8))
    np.testing.assert_allclose(twin.belief(points_m, -48.0).std_db, 4.0)
    with pytest.raises(ValueError, match="now_h is -49, but the map 'map' was made at hour -48"):
        twin.belief(points_m, -49.0)


def test_directions_are_mixed_and_nowhere_known_is_no_direction():
    points_m = grid()
    turn_deg = np.where(points_m[:, 0] > 0, 90.0, np.where(points_m[:, 0] < 0, -90.0, np.nan))
    twin = map_twin("map", points_m, np.zeros(121), points_m[:, 0] > 0, turn_deg, 4.0)
    east, west, nowhere = twin.belief([[40.0, 0.0], [-40.0, 0.0], [0.0, 0.0]], 0.0).departure
    np.testing.assert_allclose(east, [0, 1], atol=0.05)
    np.testing.assert_allclose(west, [0, -1], atol=0.05)
    assert np.linalg.norm(nowhere) < 0.05


def test_channel_knowledge_is_sharp_near_its_tracks_and_vague_elsewhere():
    twin, samples = channel_knowledge_twin("csi", tracks(), TX_M, FREQ_HZ), tracks()
    far_m = np.array([0.0, 400.0])
    near = twin.belief(samples.xy_m, 4.0)
    far = twin.belief(samples.xy_m + far_m, 4.0)
    assert np.sqrt(((near.mean_db - samples.gain_db) ** 2).mean()) < 1.2
    assert near.std_db.mean() < 0.5 * far.std_db.mean()
    standard = statistical_twin(TX_M, FREQ_HZ).belief(samples.xy_m + far_m, 4.0)
    np.testing.assert_allclose(far.mean_db - standard.mean_db, 7.0, atol=1.0)
    np.testing.assert_allclose(far.los, standard.los, atol=0.01)
    east = samples.xy_m[:, 0] > 0
    assert near.los[east].mean() > 0.6
    assert near.los[~east].mean() < 0.35
    assert twin.n_bytes == samples.n_bytes


def test_channel_knowledge_forgets():
    twin = channel_knowledge_twin("csi", tracks(), TX_M, FREQ_HZ)
    now, later = (twin.belief(tracks().xy_m, now_h) for now_h in (4.0, 400.0))
    assert (later.std_db >= now.std_db).all()
    with pytest.raises(ValueError, match="now_h is 3, but the twin 'csi' has samples of hour 4"):
        twin.belief([[0.0, 4.0]], 3.0)


def test_the_statistical_twin_has_the_mean_and_deviation_of_the_standards_draws():
    rng = np.random.default_rng(0)
    d_m, n = np.array([30.0, 80.0]), 200_000
    belief = statistical_twin(TX_M, FREQ_HZ).belief(np.column_stack([d_m, 0 * d_m]), 0.0)
    los = rng.random((n, 2)) < pathloss.umi_los_probability(d_m)
    gain_db = -pathloss.umi_db(d_m, FREQ_HZ, los) + np.where(los, 4.0, 7.82) * rng.normal(size=(n, 2))
    np.testing.assert_allclose(belief.mean_db, gain_db.mean(axis=0), atol=0.1)
    np.testing.assert_allclose(belief.std_db, gain_db.std(axis=0), rtol=0.01)
    np.testing.assert_allclose(belief.los, pathloss.umi_los_probability(d_m))
    np.testing.assert_allclose(belief.departure[:, 1], 0.0)


def test_wrong_twins_are_refused():
    points_m = grid()[:3]
    with pytest.raises(ValueError, match=r"points_m has shape \(3, 2\), but one \(x, y\) for each of 4 or more"):
        map_twin("map", points_m, np.zeros(3), np.zeros(3), np.zeros(3), 4.0)
    with pytest.raises(ValueError, match="gain_db holds -inf, but a map needs finite gains"):
        map_twin("map", grid(), np.full(121, -np.inf), np.zeros(121), np.zeros(121), 4.0)
    with pytest.raises(ValueError, match="std_db is 0"):
        map_twin("map", grid(), np.zeros(121), np.zeros(121), np.zeros(121), 0.0)
    with pytest.raises(ValueError, match="at least 3"):
        channel_knowledge_twin("csi", tracks()[:2], TX_M, FREQ_HZ)
