plan = {"heads": "buildings", "merge_every": 4, "alpha": 0.8, "newest": 8}
