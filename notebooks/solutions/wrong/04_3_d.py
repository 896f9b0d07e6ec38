# refused: whole number from 1 to 40
plan = {"factor": 8.0, "keep": "middle"}
