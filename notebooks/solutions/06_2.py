def weights_of(map_std_db, age_days, csi_std_db, correlation, drift_db=0.5):
    now_std_db = np.sqrt(map_std_db**2 + drift_db**2 * age_days)  # of the map, after so many days
    off_diagonal = correlation * now_std_db * csi_std_db
    covariance = np.array([[now_std_db**2, off_diagonal], [off_diagonal, csi_std_db**2]])
    w = np.linalg.solve(covariance, [1, 1])
    return w / w.sum()  # of the map and of channel knowledge; together 1
