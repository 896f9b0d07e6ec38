# refused: cannot be packed
plan = {"factor": 4, "keep": "mean"}
