# refused: delay counts
period_s = 2 * 1.5
