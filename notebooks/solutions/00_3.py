design = {"period_s": 5.0, "users": 80}
