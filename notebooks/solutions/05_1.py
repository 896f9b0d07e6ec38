def break_even(report_bytes, record_bytes):
    return max(0.0, 1 - report_bytes / record_bytes)
