"""Tiny files in the published layouts, written by the tests: nothing here is from the real data."""

import numpy as np

FIRST_MS = 1_383_260_400_000  # 1 Nov 2013 00:00 local, as the published first row has it
HEADER = "datetime,CellID,countrycode,smsin,smsout,callin,callout,internet"
DAY_1, DAY_2, DAY_3 = (f"sms-call-internet-mi-2013-11-0{n}.txt" for n in (1, 2, 3))


def row(cell, slot=0, country=39, amounts=(1, 2, 3, 4, 5), day=1):
    """One line of a daily file; `slot` counts 10-minute intervals of the local day."""
    time_ms = FIRST_MS + (day - 1) * 86_400_000 + slot * 600_000
    return "\t".join(map(str, [cell, time_ms, country, *amounts])) + "\n"


def write_day(folder, day=1, cells=(1, 2, 10_000), seed=0, slots=range(144), shuffle=True):
    """A whole day of a few cells with two country codes and empty fields, rows in no order; returns path and sums.

    The sums, (5, 24, cells), are added up here row by row, as the layout is described.
    """
    rng = np.random.default_rng(seed + day)
    lines, sums = [], np.zeros((5, 24, len(cells)))
    for slot in slots:
        for place, cell in enumerate(cells):
            for country in (0, 39):
                amounts = rng.gamma(2, 1, 5)
                empty = rng.random(5) < 0.3
                sums[:, slot // 6, place] += np.where(empty, 0, amounts)
                lines.append(
                    row(cell, slot, country, ["" if e else a for a, e in zip(amounts, empty, strict=True)], day)
                )
    if shuffle:
        rng.shuffle(lines)
    path = folder / f"sms-call-internet-mi-2013-11-{day:02d}.txt"
    path.write_text("".join(lines))
    return path, sums
