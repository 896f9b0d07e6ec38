# refused: at most 12 % of the bytes
plan = {"factor": 4, "keep": "middle"}
