period_s = 2 * (1.5 - 0.5)
