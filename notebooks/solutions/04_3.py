plan = {"factor": 8, "keep": "middle"}
