plan = {"factor": 4, "keep": "middle"}
