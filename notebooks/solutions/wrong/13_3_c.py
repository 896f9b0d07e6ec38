# refused: (1/2 + 2/15) / 2
def nrmse(truth, forecast, divisor):
    rmse = np.sqrt(np.mean((truth - forecast) ** 2, axis=1))  # of each cell, shape (K,)
    by = np.ptp(truth, axis=1) if divisor == "range" else truth.mean()
    return np.mean(rmse / by)
