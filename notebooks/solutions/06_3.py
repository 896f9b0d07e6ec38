def staleness_and_weight(begin_s, arrive_s, alpha, p):
    begin_s, arrive_s = np.asarray(begin_s), np.asarray(arrive_s)
    after_begin = arrive_s[None, :] > begin_s[:, None]  # (N, N): did update j arrive after i began?
    before_arrival = arrive_s[None, :] < arrive_s[:, None]  # (N, N): did j arrive before i did?
    staleness = (after_begin & before_arrival).sum(axis=1)
    weight = alpha * (staleness + 1.0) ** -p
    return staleness, weight
