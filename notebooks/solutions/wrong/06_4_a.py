# refused: 2 to 6 hours after a change
plan = {"heads": "buildings", "merge_every": 4, "alpha": 0.6, "newest": 32}
