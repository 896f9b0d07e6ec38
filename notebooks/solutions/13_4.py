plan = {"n_clusters": 4, "update_period_h": 6, "update_hours": 72, "epochs": 2}
