# refused: delay in nanoseconds
distance_m = 106
