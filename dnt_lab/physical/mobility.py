"""Mobility: how users move. Each model maps positions and velocities to new ones; the height never changes.

========================  ==========================================================================
model                     use it for
========================  ==========================================================================
`RandomWaypoint`          people who walk to a spot, pause, choose the next
`GaussMarkov`             smooth motion with memory; walks around buildings when given a scene
`TraceReplay`             positions measured elsewhere
========================  ==========================================================================
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from dnt_lab.physical.scene import Scene, checked_bounds


@dataclass(eq=False)
class RandomWaypoint:
    """Walk straight to a uniform waypoint at a uniform speed, pause, repeat.

    Attributes
    ----------
    bounds_m : tuple of float
        ``(xmin, ymin, xmax, ymax)``.
    speed_m_s : tuple of float
        Lowest and highest speed; the lowest is over 0, or the mean speed decays for ever (Yoon et al., INFOCOM 2003).
    pause_s : float
        Pause at a waypoint.
    """

    bounds_m: tuple[float, float, float, float]
    speed_m_s: tuple[float, float] = (0.8, 1.8)
    pause_s: float = 5.0
    _goal_m: np.ndarray | None = field(init=False, repr=False, default=None)
    _speed_m_s: np.ndarray | None = field(init=False, repr=False, default=None)
    _rest_s: np.ndarray | None = field(init=False, repr=False, default=None)

    def __post_init__(self):
        self._low, self._high = checked_bounds(self.bounds_m)
        if np.shape(self.speed_m_s) != (2,) or not 0 < self.speed_m_s[0] <= self.speed_m_s[1] < np.inf:
            raise ValueError(
                f"speed_m_s is {self.speed_m_s}, but (lowest, highest) with 0 < lowest <= highest is needed"
            )
        if not self.pause_s >= 0:
            raise ValueError(f"pause_s is {self.pause_s}, but a pause is at least 0 s")

    def _draw(self, n: int, rng: np.random.Generator):
        return rng.uniform(self._low, self._high, (n, 2)), rng.uniform(*self.speed_m_s, n)

    def step(self, position_m, velocity_m_s, dt_s: float, rng: np.random.Generator):
        """Positions and velocities (n, 3) after `dt_s` seconds; who arrives waits out the rest of the step."""
        if self._goal_m is None:
            (self._goal_m, self._speed_m_s), self._rest_s = self._draw(len(position_m), rng), np.zeros(len(position_m))
        position_m, velocity_m_s = position_m.copy(), np.zeros_like(position_m)
        walk_s = np.maximum(dt_s - self._rest_s, 0.0)
        self._rest_s = np.maximum(self._rest_s - dt_s, 0.0)
        to_go = self._goal_m - position_m[:, :2]
        distance = np.linalg.norm(to_go, axis=1)
        reach = self._speed_m_s * walk_s
        there = (reach >= distance) & (walk_s > 0)
        share = np.where(there, 1.0, reach / np.maximum(distance, 1e-12))
        position_m[:, :2] += share[:, None] * to_go
        velocity_m_s[:, :2] = share[:, None] * to_go / dt_s
        self._rest_s[there] = self.pause_s
        self._goal_m[there], self._speed_m_s[there] = self._draw(int(there.sum()), rng)
        return position_m, velocity_m_s


@dataclass(frozen=True)
class GaussMarkov:
    r"""Velocity with memory: :math:`v_{n+1} = \alpha v_n + (1-\alpha)\bar v + \sigma\sqrt{1-\alpha^2}\,w`.

    The mean :math:`\bar v` keeps each user's present direction at the mean speed. A step that would leave the bounds,
    enter a building or pass through one is not taken: the user turns by a random angle instead.

    Attributes
    ----------
    bounds_m : tuple of float
        ``(xmin, ymin, xmax, ymax)``.
    mean_speed_m_s, sigma_m_s : float
        Mean speed and standard deviation of each velocity component.
    memory_s : float
        Time constant; :math:`\alpha = e^{-dt/memory}`, so the result does not hang on the step.
    scene : Scene or None
        Buildings to walk around.

    Notes
    -----
    B. Liang and Z. J. Haas, "Predictive distance-based mobility management for PCS networks", INFOCOM 1999.
    """

    bounds_m: tuple[float, float, float, float]
    mean_speed_m_s: float = 1.3
    sigma_m_s: float = 0.4
    memory_s: float = 20.0
    scene: Scene | None = None

    def __post_init__(self):
        checked_bounds(self.bounds_m)
        for name in ("memory_s", "sigma_m_s", "mean_speed_m_s"):
            value = getattr(self, name)
            if not 0 <= value < np.inf or (name == "memory_s" and value == 0):
                raise ValueError(f"{name} is {value}, but a finite number from 0 on is needed, for memory_s over 0")

    def step(self, position_m, velocity_m_s, dt_s: float, rng: np.random.Generator):
        """Positions and velocities (n, 3) after `dt_s` seconds."""
        alpha = np.exp(-dt_s / self.memory_s)
        v = velocity_m_s[:, :2]
        speed = np.linalg.norm(v, axis=1)
        angle = np.where(speed > 0, np.arctan2(v[:, 1], v[:, 0]), rng.uniform(-np.pi, np.pi, len(v)))
        mean = self.mean_speed_m_s * np.stack([np.cos(angle), np.sin(angle)], axis=1)
        v = alpha * v + (1 - alpha) * mean + self.sigma_m_s * np.sqrt(1 - alpha**2) * rng.standard_normal(v.shape)
        goal = position_m[:, :2] + v * dt_s
        low, high = checked_bounds(self.bounds_m)
        refused = ((goal < low) | (goal > high)).any(axis=1)
        if self.scene is not None:
            refused |= self.scene.indoor(goal) | self._through_building(position_m, goal)
        turn = rng.uniform(np.pi / 2, 3 * np.pi / 2, len(v))
        c, s = np.cos(turn), np.sin(turn)
        turned = np.stack([c * v[:, 0] - s * v[:, 1], s * v[:, 0] + c * v[:, 1]], axis=1)
        new_position, new_velocity = position_m.copy(), np.zeros_like(velocity_m_s)
        new_position[~refused, :2] = goal[~refused]
        new_velocity[:, :2] = np.where(refused[:, None], turned, v)
        return new_position, new_velocity

    def _through_building(self, position_m, goal_m) -> np.ndarray:
        """Whose step crosses a building; who stands in one may leave it."""
        crossed = self.scene.blocked(position_m, np.column_stack([goal_m, position_m[:, 2]]))
        return crossed & ~self.scene.indoor(position_m)


@dataclass(eq=False)
class TraceReplay:
    """Replay measured positions, linearly between samples, standing still after the last.

    Attributes
    ----------
    time_s : ndarray, shape (T,)
        Increasing sample times; replay starts at the first.
    xy_m : ndarray, shape (T, n, 2)
        Positions of all users at these times.
    """

    time_s: np.ndarray
    xy_m: np.ndarray

    def __post_init__(self):
        self.time_s, self.xy_m = np.asarray(self.time_s, float), np.asarray(self.xy_m, float)
        if self.time_s.ndim != 1 or len(self.time_s) < 2 or not (np.diff(self.time_s) > 0).all():
            raise ValueError("time_s must hold at least two increasing times")
        if self.xy_m.ndim != 3 or self.xy_m.shape[0] != len(self.time_s) or self.xy_m.shape[2] != 2:
            raise ValueError(f"xy_m has shape {self.xy_m.shape}, but ({len(self.time_s)}, users, 2) is needed")
        if not (np.isfinite(self.time_s).all() and np.isfinite(self.xy_m).all()):
            raise ValueError("time_s and xy_m must be finite, but the trace holds NaN or inf")
        self._now_s = self.time_s[0]

    def step(self, position_m, velocity_m_s, dt_s: float, rng: np.random.Generator):
        """Positions and velocities (n, 3) after `dt_s` seconds; `rng` is not used."""
        if self.xy_m.shape[1] != len(position_m):
            raise ValueError(f"the trace holds {self.xy_m.shape[1]} users, but the network has {len(position_m)}")
        self._now_s += dt_s
        now = np.clip(self._now_s, self.time_s[0], self.time_s[-1])
        i = min(int(np.searchsorted(self.time_s, now, side="right")) - 1, len(self.time_s) - 2)
        w = (now - self.time_s[i]) / (self.time_s[i + 1] - self.time_s[i])
        new_position, new_velocity = position_m.copy(), np.zeros_like(position_m)
        new_position[:, :2] = (1 - w) * self.xy_m[i] + w * self.xy_m[i + 1]
        new_velocity[:, :2] = (new_position[:, :2] - position_m[:, :2]) / dt_s
        return new_position, new_velocity
