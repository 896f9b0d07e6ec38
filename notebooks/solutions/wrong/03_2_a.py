# refused: strongest peak
distance_m = times_s[np.abs(measured).argmax()] * LIGHT_M_S
