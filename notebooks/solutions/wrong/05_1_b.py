# refused: below 0
def break_even(report_bytes, record_bytes):
    return 1 - report_bytes / record_bytes
