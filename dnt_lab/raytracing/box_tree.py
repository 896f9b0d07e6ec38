"""A tree of boxes: which of many things can lie on a segment, or within a beam, without asking each.

Things (polygons, receivers) are sorted into leaves of neighbours, leaves into boxes, and boxes into larger boxes, eight
to one. All segments or beams go down together, level by level: the pairs of a segment and a box it meets are arrays, so
there is no loop over segments. Few things are one leaf without boxes. Boxes are kept in single precision and a little
too large, so a pair may be named in vain, but none is left out.
"""

from __future__ import annotations

import numpy as np

_WAYS = 8
_BLOCK = 500_000  # pairs in one temporary array: they should stay in the cache
_DENSE = 512  # so many boxes are held against every beam at once
_ROUNDING = np.float32(1e-4)  # of a segment's length: who comes from afar is known less exactly, but comes a long way


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
    undivided : int
        So many things and fewer are one leaf all the same.
    """

    def __init__(self, low_m, high_m, origin_m, slack_m: float, leaf: int, undivided: int):
        self.origin_m, self.slack_m = origin_m, np.float32(slack_m)
        self.width = 4 if low_m is high_m else 8  # points have no sides: half of a row of `_centred` tells all
        low_m, high_m = low_m - origin_m, high_m - origin_m
        groups, real = _neighbours(low_m + high_m, leaf if len(low_m) > undivided else undivided)
        self.leaves = np.where(real, groups, -1)
        self.things = _centred(low_m, high_m)[groups, : self.width]
        low, high = low_m[groups].min(axis=1) - slack_m, high_m[groups].max(axis=1) + slack_m
        self.boxes: list[np.ndarray] = []  # from the top down, (n, 8): as `_centred` has them
        self.sides: list[np.ndarray] = []  # the same as (6, n): lower and upper corner
        while len(low) > 1:
            self.boxes.insert(0, _centred(low, high))
            self.sides.insert(0, np.concatenate([low, high], axis=1).T.astype(np.float32))
            low, high = low.reshape(-1, _WAYS, 3).min(axis=1), high.reshape(-1, _WAYS, 3).max(axis=1)

    def on_segments(self, start_m: np.ndarray, end_m: np.ndarray):
        """Yield pairs of a segment, (N, 3) to (N, 3), and a thing in a leaf that it meets, block by block."""
        step = max(1, _BLOCK // 64)
        for first in range(0, len(start_m), step):
            start = (start_m[first : first + step] - self.origin_m).T.astype(np.float32)
            with np.errstate(divide="ignore"):
                slope = 1 / (end_m[first : first + step] - start_m[first : first + step]).T.astype(np.float32)
            slope[~np.isfinite(slope)] = 1e30  # along an axis: outside of a slab it is infinitely far away
            width = len(self.boxes[0]) if self.boxes else 1
            segment, box = np.divmod(np.arange(start.shape[1] * width), width)
            for level, sides in enumerate(self.sides):
                if level:
                    segment, box = _children(segment, box)
                met = np.flatnonzero(_met(sides, box, start, slope, segment))
                segment, box = segment[met], box[met]
            thing = self.leaves[box]
            there = np.flatnonzero(thing.ravel() >= 0)
            yield np.repeat(segment + first, thing.shape[1])[there], thing.ravel()[there]

    def in_beams(self, planes: np.ndarray):
        """Yield pairs of a beam and a thing that reaches into it, block by block; beams rise.

        Parameters
        ----------
        planes : ndarray, shape (p, S, 4), single precision
            The beams: where ``planes[..., :3] . (x - origin_m) + planes[..., 3] >= 0`` for all p.
        """
        # the first level at which all boxes are held against all beams: the last that is not too wide
        widths = [len(boxes) for boxes in self.boxes] or [self.leaves.shape[1]]
        start = max(sum(width <= _DENSE for width in widths) - 1, 0)
        step = max(1, _BLOCK // widths[start])
        for first in range(0, planes.shape[1], step):
            part = planes[:, first : first + step]
            if not self.boxes:
                beam, thing = self._reached(_widened(part)[..., : self.width], self.things[0])
                yield beam + first, thing
                continue
            part = _widened(part)
            beam, box = self._reached(part, self.boxes[start])
            for boxes in self.boxes[start + 1 :]:
                beam, box = _children(beam, box)
                for plane in part:
                    reached = np.einsum("pk,pk->p", plane[beam], boxes[box]) >= -self.slack_m
                    beam, box = beam[reached], box[reached]
            inside = self.leaves[box] >= 0
            for plane in part:
                inside &= np.einsum("pk,psk->ps", plane[beam, : self.width], self.things[box]) >= -self.slack_m
                alive = inside.any(axis=1)
                beam, box, inside = beam[alive], box[alive], inside[alive]
            pair, place = np.nonzero(inside)
            yield beam[pair] + first, self.leaves[box[pair], place]

    def _reached(self, planes, boxes):
        """Pairs of a beam and one of a few boxes, each held against each."""
        reached = np.ones((planes.shape[1], len(boxes)), bool)
        for plane in planes:
            reached &= plane @ boxes.T >= -self.slack_m
        return np.nonzero(reached)


def _neighbours(points_m, leaf):
    """Row numbers of points (N, 3) in groups (G, n) of neighbours, G a power of eight, and which of them are real.

    The groups are filled up with copies of points from everywhere, so that none is made of copies only.
    """
    n_points, n_groups = len(points_m), 1
    while n_groups * leaf < n_points:
        n_groups *= _WAYS
    n_slots = n_groups * -(-n_points // n_groups)
    row = np.concatenate([np.arange(n_points), np.linspace(0, n_points - 1, n_slots - n_points).astype(int)])
    slots, points_m = np.arange(n_slots)[None], points_m[row]
    while len(slots) < n_groups:  # halve each along the longest side of its box
        place_m = points_m[slots]
        axis = np.ptp(place_m, axis=1).argmax(axis=1)
        along = np.take_along_axis(place_m, axis[:, None, None], axis=2)[..., 0]
        slots = np.take_along_axis(slots, np.argsort(along, axis=1, kind="stable"), axis=1)
        slots = slots.reshape(2 * len(slots), -1)
    return row[slots], slots < n_points


def _centred(low, high):
    """Boxes as (middle, 1, half sides, 0): a plane (normal, offset, |normal|, 0) reaches one where the product >= 0."""
    parts = [(low + high) / 2, np.ones((len(low), 1)), (high - low) / 2, np.zeros((len(low), 1))]
    return np.concatenate(parts, axis=1).astype(np.float32)


def _widened(planes):
    """Planes (p, S, 4) as `_centred` boxes want them: (normal, offset, |normal|, 0)."""
    return np.concatenate([planes, np.abs(planes[..., :3]), np.zeros_like(planes[..., :1])], axis=2)


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
