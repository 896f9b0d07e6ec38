# refused: average
period_s = 1.5
