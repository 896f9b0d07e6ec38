def area_under_curve(score, changed):
    high, low = score[changed], score[~changed]
    won = high[:, None] > low[None, :]
    tied = high[:, None] == low[None, :]
    return np.mean(won + tied / 2)
