# refused: too kind
def area_under_curve(score, changed):
    high, low = score[changed], score[~changed]
    won = high[:, None] >= low[None, :]
    tied = 0 * won
    return np.mean(won + tied / 2)
