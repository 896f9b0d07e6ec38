# refused: 200 kB
plan = {"heads": "cloud", "merge_every": None, "alpha": 0.6, "newest": 8}
