# refused: mean age
design = {"period_s": 6.0, "users": 60}
