plan = [0, 4, 8]
