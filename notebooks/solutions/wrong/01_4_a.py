# refused: 5 dB weaker
def ask_again(measured_dbm, predicted_dbm):
    return measured_dbm - predicted_dbm > 4.0
