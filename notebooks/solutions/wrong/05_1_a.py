# refused: left for updates
def break_even(report_bytes, record_bytes):
    return report_bytes / record_bytes
