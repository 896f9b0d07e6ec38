# refused: at most 5000
design = {"period_s": 3.0, "users": 60}
