# refused: in the first two hours
plan = {"heads": "buildings", "merge_every": None, "alpha": 0.6, "newest": 8}
