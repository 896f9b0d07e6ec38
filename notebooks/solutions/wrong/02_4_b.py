# refused: at most 10
plan = [0, 3]
