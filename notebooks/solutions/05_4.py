false_share = 0.35
