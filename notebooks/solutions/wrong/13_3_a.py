# refused: lets the busiest decide
def nrmse(truth, forecast, divisor):
    rmse = np.sqrt(np.mean((truth - forecast) ** 2))  # of each cell, shape (K,)
    by = np.ptp(truth) if divisor == "range" else truth.mean()
    return np.mean(rmse / by)
