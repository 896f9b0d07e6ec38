# refused: should be 6720; longer period
def telemetry_bytes_s(users, bytes_each, period_s):
    return users * bytes_each * period_s
