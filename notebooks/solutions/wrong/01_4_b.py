# refused: at most 10
def ask_again(measured_dbm, predicted_dbm):
    return np.abs(measured_dbm - predicted_dbm) > 0.5
