# refused: 24 months
plan = [7, 3, 8]
