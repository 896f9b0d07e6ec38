# refused: at most a quarter of the bytes
plan = {"factor": 2, "keep": "middle"}
