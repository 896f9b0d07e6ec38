# refused: T/2
period_s = 1.5 - 0.5
