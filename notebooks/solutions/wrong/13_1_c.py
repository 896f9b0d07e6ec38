# refused: must add up to 1
def one_round(weights, job):
    local = fl.train(model, weights, three, how, seed=lab.seed, jobs=job)  # shape (3, P), a row a BS
    share = three.n_samples  # of each BS, shape (3,)
    moved = share @ (local - weights)  # how far the server moves, shape (P,)
    return weights + moved
