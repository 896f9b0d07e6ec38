# refused: 3 Mbit/s
plan = [0, 7]
