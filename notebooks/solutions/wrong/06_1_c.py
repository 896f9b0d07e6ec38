# refused: do not count alike
worth = {"R": 0.75, "C": 0.45, "S": 0.15}
