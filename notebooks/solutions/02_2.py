def verdict(residual_db, pattern_db, sigma_db=1.0):
    left_by = {
        "power": np.sum((residual_db - residual_db.mean()) ** 2),
        "tilt": np.sum((residual_db - pattern_db) ** 2),
    }
    score = {kind: (np.sum(residual_db**2) - left) / (2 * sigma_db**2) for kind, left in left_by.items()}
    best = max(score, key=score.get)
    return best if score[best] > 6 else "healthy"
