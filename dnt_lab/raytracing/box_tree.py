"""A tree of boxes: which of many things can lie on a segment, or within a beam, without asking each.

Things (polygons, receivers) are sorted into leaves of neighbours, leaves into boxes, and boxes into larger boxes, eight
to one. All segments or beams go down together, level by level: the pairs of a segment and a box it meets are arrays, so
there is no loop over segments. Few things are one leaf without boxes. Boxes are kept in single precision and a little
too large, so a pair may be named in vain, but none is left out.
"""

from __future__ import annotations

import numpy as np

_WAYS = 8
_ONE_LEAF = 96  # so many things and fewer need no boxes
_BLOCK = 500_000  # pairs in one temporary array: they should stay in the cache
_DENSE = 512  # so many boxes are held against every beam at once
_ROUNDING = np.float32(1e-4)  # of a segment's length


class BoxTree:
    """Boxes around things.

    Parameters
    ----------
    low_m, high_m : ndarray, shape (N, 3)
        Corners of the box around each thing; equal for points.
    origin_m : ndarray, shape (3,)
        A place amid the things, from which single precision counts.
    slack_m : float
        Length that its rounding cannot exceed.
    leaf : int
        Most things in a leaf.
    """

    def __init__(self, low_m, high_m, origin_m, slack_m: float, leaf: int = 8):
        self.origin_m, self.slack_m = origin_m, np.float32(slack_m)
        middle_m = (low_m + high_m) / 2
        groups = [np.arange(len(low_m))]
        while len(low_m) > _ONE_LEAF and (len(groups) * leaf < len(low_m) or len(groups) not in _WAYS ** np.arange(12)):
            groups = [half for group in groups for half in _halves(group, middle_m)]
        size = max(len(group) for group in groups)
        self.leaves = np.array([np.pad(group, (0, size - len(group)), constant_values=-1) for group in groups])
        self.things = _centred(low_m - origin_m, high_m - origin_m)[self.leaves]
        low, high = (np.array([f(v[g], axis=0) for g in groups]) for f, v in ((np.min, low_m), (np.max, high_m)))
        self.boxes: list[np.ndarray] = []  # from the top down, (n, 6): lower and upper corner
        while len(low) > 1:
            self.boxes.insert(0, np.concatenate([low - origin_m - slack_m, high - origin_m + slack_m], axis=1))
            low, high = low.reshape(-1, _WAYS, 3).min(axis=1), high.reshape(-1, _WAYS, 3).max(axis=1)
        self.centred = [_centred(box[:, :3], box[:, 3:]) for box in self.boxes]
        self.sides = [box.T.astype(np.float32) for box in self.boxes]

    def on_segments(self, start_m: np.ndarray, end_m: np.ndarray):
        """Yield pairs of a segment, (N, 3) to (N, 3), and a thing in a leaf that it meets, block by block."""
        step = max(1, _BLOCK // 64)
        for first in range(0, len(start_m), step):
            start = (start_m[first : first + step] - self.origin_m).T.astype(np.float32)
            with np.errstate(divide="ignore"):
                slope = 1 / (end_m[first : first + step] - start_m[first : first + step]).T.astype(np.float32)
            slope[~np.isfinite(slope)] = 1e30  # along an axis: outside of a slab it is infinitely far away
            segment, box = self._top(start.shape[1])
            for level, sides in enumerate(self.sides):
                if level:
                    segment, box = _children(segment, box)
                met = np.flatnonzero(_met(sides, box, start, slope, segment))
                segment, box = segment[met], box[met]
            yield self._members(segment + first, box)

    def in_beams(self, planes: np.ndarray):
        """Yield pairs of a beam and a thing that reaches into it, block by block.

        Parameters
        ----------
        planes : ndarray, shape (p, S, 4), single precision
            The beams: where ``planes[..., :3] . (x - origin_m) + planes[..., 3] >= 0`` for all p.
        """
        start = max((i for i, boxes in enumerate(self.boxes) if len(boxes) <= _DENSE), default=None)
        step = max(1, _BLOCK // (len(self.boxes[start]) if self.boxes else self.leaves.shape[1]))
        for first in range(0, planes.shape[1], step):
            part = planes[:, first : first + step]
            part = np.concatenate([part, np.abs(part[..., :3]), np.zeros_like(part[..., :1])], axis=2)
            if self.boxes:
                reached = np.ones((part.shape[1], len(self.boxes[start])), bool)
                for plane in part:
                    reached &= plane @ self.centred[start].T >= -self.slack_m
                beam, box = np.nonzero(reached)
            else:
                beam, box = np.arange(part.shape[1]), np.zeros(part.shape[1], int)
            for centred in self.centred[start + 1 :] if self.boxes else []:
                beam, box = _children(beam, box)
                for plane in part:
                    reached = np.einsum("pk,pk->p", plane[beam], centred[box]) >= -self.slack_m
                    beam, box = beam[reached], box[reached]
            inside = self.leaves[box] >= 0
            for plane in part:
                inside &= np.einsum("pk,psk->ps", plane[beam], self.things[box]) >= -self.slack_m
                alive = inside.any(axis=1)
                beam, box, inside = beam[alive], box[alive], inside[alive]
            pair, place = np.nonzero(inside)
            yield beam[pair] + first, self.leaves[box[pair], place]

    def _top(self, n):
        """All pairs of n rows and the boxes at the top."""
        width = len(self.boxes[0]) if self.boxes else 1
        return np.divmod(np.arange(n * width), width)

    def _members(self, row, box):
        """Pairs of rows and the things in their leaves."""
        thing = self.leaves[box]
        row = np.repeat(row, thing.shape[1])
        there = np.flatnonzero(thing.ravel() >= 0)
        return row[there], thing.ravel()[there]


def _centred(low, high):
    """Boxes as (middle, 1, half sides, 0): a plane (normal, offset, |normal|, 0) reaches one where the product >= 0."""
    parts = [(low + high) / 2, np.ones((len(low), 1)), (high - low) / 2, np.zeros((len(low), 1))]
    return np.concatenate(parts, axis=1).astype(np.float32)


def _children(row, box):
    """Pairs of rows and the boxes within their boxes."""
    return np.repeat(row, _WAYS), (box[:, None] * _WAYS + np.arange(_WAYS)).ravel()


def _met(sides, box, start, slope, segment):
    """Tell whether segments meet boxes: the stretch between the two planes of each axis, cut with the others."""
    enter, leave = np.zeros(len(box), np.float32), np.ones(len(box), np.float32)
    for axis in range(3):
        k = slope[axis][segment]
        shift = start[axis][segment] * k
        one, two = sides[axis][box] * k - shift, sides[axis + 3][box] * k - shift
        np.maximum(enter, np.minimum(one, two), out=enter)
        np.minimum(leave, np.maximum(one, two), out=leave)
    return enter <= leave + _ROUNDING


def _halves(group, middle_m):
    """Two halves of a group of things, along the longest side of its box."""
    axis = np.ptp(middle_m[group], axis=0).argmax()
    order = group[np.argsort(middle_m[group, axis], kind="stable")]
    return order[: (len(order) + 1) // 2], order[(len(order) + 1) // 2 :]
