def ask_again(measured_dbm, predicted_dbm):
    return np.abs(measured_dbm - predicted_dbm) > 4.0
