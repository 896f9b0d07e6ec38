# refused: a cell wider
plan = {"factor": 8, "keep": "highest"}
