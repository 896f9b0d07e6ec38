def mixture(p_los, mean_db, std_db):
    """Mean and standard deviation in dB; mean_db and std_db hold the value with LOS first, then without."""
    weight = np.array([p_los, 1 - p_los])
    mean = weight @ mean_db
    variance = weight @ (std_db**2 + mean_db**2) - mean**2
    return mean, np.sqrt(variance)
