# refused: mirror fewer
design = {"period_s": 5.0, "users": 120}
