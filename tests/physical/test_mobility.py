"""Mobility: closed forms of the Gauss-Markov process, bounds and speeds, traces, and nobody walks through walls."""

import numpy as np
import pytest
from scipy import stats

from dnt_lab.datasets import street_grid
from dnt_lab.physical import GaussMarkov, RandomWaypoint, Scene, TraceReplay

AREA = (-100.0, -50.0, 100.0, 50.0)
FAR = (-1e9, -1e9, 1e9, 1e9)


def run(model, position, n_steps, dt_s, seed=0, velocity=None):
    """Positions and velocities over time, shapes (n_steps, n, 3)."""
    rng, velocity = np.random.default_rng(seed), np.zeros_like(position) if velocity is None else velocity
    path, speeds = [], []
    for _ in range(n_steps):
        position, velocity = model.step(position, velocity, dt_s, rng)
        path.append(position)
        speeds.append(velocity)
    return np.array(path), np.array(speeds)


def at_random(n, bounds=AREA, seed=9):
    xy = np.random.default_rng(seed).uniform(bounds[:2], bounds[2:], (n, 2))
    return np.column_stack([xy, np.full(n, 1.5)])


@pytest.mark.parametrize("dt_s", [0.5, 4.0])
def test_gauss_markov_without_mean_speed_is_the_ornstein_uhlenbeck_process(dt_s):
    model = GaussMarkov(FAR, mean_speed_m_s=0.0, sigma_m_s=0.7, memory_s=10.0)
    _, v = run(model, at_random(4000), 80, dt_s)
    late = v[-1, :, :2]
    assert stats.kstest(late.ravel() / 0.7, "norm").pvalue > 0.01  # stationary: normal with sigma in each component
    for lag in (1, 2, 5):
        correlation = np.mean(v[-1 - lag, :, :2] * late) / 0.7**2
        assert correlation == pytest.approx(np.exp(-lag * dt_s / 10.0), abs=0.035)  # 3 / sqrt(8000)
    assert np.mean(late[:, 0] * late[:, 1]) == pytest.approx(0, abs=0.03)


def test_gauss_markov_speed_follows_the_langevin_equation_it_discretises():
    # dv = -(v - mean e_v) dt/tau + sigma sqrt(2/tau) dW has the stationary density r exp(-(r - mean)^2 / (2 sigma^2))
    model = GaussMarkov(FAR, mean_speed_m_s=1.3, sigma_m_s=0.4, memory_s=20.0)
    _, v = run(model, at_random(4000), 300, 1.0)
    r = np.linspace(0, 6, 60_001)
    density = r * np.exp(-((r - 1.3) ** 2) / (2 * 0.4**2))
    cdf = np.cumsum(density) / density.sum()
    assert stats.kstest(np.linalg.norm(v[-1], axis=1), lambda x: np.interp(x, r, cdf)).statistic < 0.03
    angle = np.arctan2(v[-1, :, 1], v[-1, :, 0])
    assert stats.kstest(angle, stats.uniform(-np.pi, 2 * np.pi).cdf).pvalue > 0.01


def test_gauss_markov_integrates_its_velocity_and_stays_in_bounds():
    start = at_random(200)
    path, v = run(GaussMarkov(AREA, mean_speed_m_s=3.0), start, 200, 1.0)
    assert (path[..., :2] >= AREA[:2]).all() and (path[..., :2] <= AREA[2:]).all()
    step = np.diff(np.concatenate([start[None], path]), axis=0)
    stood = (step == 0).all(axis=-1)
    np.testing.assert_allclose(step[~stood], v[~stood], atol=1e-12)
    assert 0 < stood.mean() < 0.1  # only who meets the border stands for a step
    assert (path[..., 2] == 1.5).all() and (v[..., 2] == 0).all()


@pytest.mark.parametrize("dt_s", [1.0, 20.0])
def test_nobody_enters_a_building_or_walks_through_one(dt_s):
    scene = Scene(street_grid(n_x=4, n_y=4, block_m=20.0, street_m=8.0, seed=1))
    bounds = scene.city.bounds_m
    start = np.column_stack([scene.outdoor_points(150, bounds, seed=2), np.full(150, 1.5)])
    path, _ = run(GaussMarkov(bounds, scene=scene), start, 60, dt_s)
    everywhere = np.concatenate([start[None], path])
    assert not scene.indoor(everywhere.reshape(-1, 3)).any()
    assert not scene.blocked(everywhere[:-1].reshape(-1, 3), everywhere[1:].reshape(-1, 3)).any()
    assert np.linalg.norm(path[-1] - start, axis=1).mean() > 8  # they do get about


def test_who_starts_indoors_may_leave():
    scene = Scene(street_grid(n_x=1, n_y=1, block_m=4.0, street_m=20.0, seed=1))
    start = np.tile([0.0, 0.0, 1.5], (50, 1))
    path, _ = run(GaussMarkov((-30, -30, 30, 30), mean_speed_m_s=3.0, scene=scene), start, 60, 2.0)
    assert not scene.indoor(path[-1]).any()


def test_random_waypoint_stays_in_bounds_at_speeds_in_range():
    start = at_random(300)
    model = RandomWaypoint(AREA, speed_m_s=(1.0, 2.0), pause_s=3.0)
    path, v = run(model, start, 300, 0.5)
    assert (path[..., :2] >= AREA[:2]).all() and (path[..., :2] <= AREA[2:]).all()
    speed = np.linalg.norm(v, axis=-1)
    assert speed.max() <= 2.0 + 1e-12
    step = np.diff(np.concatenate([start[None], path]), axis=0)
    np.testing.assert_allclose(step, v * 0.5, atol=1e-12)
    walking = (speed[1:-1] > 0) & (speed[:-2] > 0) & (speed[2:] > 0)  # neither arriving nor setting out
    assert speed[1:-1][walking].min() >= 1.0 - 1e-12
    assert (path[..., 2] == 1.5).all()


def test_random_waypoint_walks_straight_pauses_and_chooses_again():
    model = RandomWaypoint((0, 0, 10, 10), speed_m_s=(1.0, 1.0), pause_s=4.0)
    _, v = run(model, np.array([[5.0, 5.0, 1.5]]), 400, 1.0)
    still = (v[:, 0] == 0).all(axis=-1)
    runs = np.diff(np.flatnonzero(np.diff(np.concatenate([[0], still.astype(int), [0]]))))[::2]
    assert set(runs[:-1].tolist()) == {4}  # pause_s over dt_s
    heading = np.arctan2(v[~still, 0, 1], v[~still, 0, 0])
    turns = np.sum(np.abs(np.diff(heading)) > 1e-9)
    assert turns == len(runs)  # one heading a leg


def test_trace_replay_interpolates_and_stands_still_after_the_end():
    time_s = np.array([10.0, 12.0, 20.0])
    xy = np.array([[[0.0, 0.0]], [[4.0, 2.0]], [[4.0, 10.0]]])
    path, v = run(TraceReplay(time_s, xy), np.array([[0.0, 0.0, 1.7]]), 6, 3.0)
    expected = [(4, 3), (4, 6), (4, 9), (4, 10), (4, 10), (4, 10)]  # at 13, 16, 19, 22 ... s
    np.testing.assert_allclose(path[:, 0, :2], expected)
    np.testing.assert_allclose(v[:, 0, :2], np.diff([(0, 0), *expected], axis=0) / 3.0)
    assert (path[..., 2] == 1.7).all()


def test_the_trace_passes_through_its_samples():
    rng = np.random.default_rng(0)
    xy = rng.normal(size=(6, 4, 2))
    path, _ = run(TraceReplay(np.arange(6.0), xy), np.zeros((4, 3)), 5, 1.0)
    np.testing.assert_allclose(path[..., :2], xy[1:], atol=1e-12)


@pytest.mark.parametrize("make", [lambda: RandomWaypoint(AREA), lambda: GaussMarkov(AREA)])
def test_seeds_decide_and_the_arguments_stay_as_they_are(make):
    start, velocity = at_random(20), np.full((20, 3), 0.5)
    kept = start.copy(), velocity.copy()
    first, _ = run(make(), start, 20, 1.0, seed=4, velocity=velocity)
    again, _ = run(make(), start, 20, 1.0, seed=4, velocity=velocity)
    other, _ = run(make(), start, 20, 1.0, seed=5, velocity=velocity)
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()
    np.testing.assert_array_equal(start, kept[0])
    np.testing.assert_array_equal(velocity, kept[1])
