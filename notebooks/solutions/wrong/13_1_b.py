# refused: the server was at w already
def one_round(weights, job):
    local = fl.train(model, weights, three, how, seed=lab.seed, jobs=job)  # shape (3, P), a row a BS
    share = three.n_samples / three.n_samples.sum()  # of each BS, shape (3,)
    moved = share @ local  # how far the server moves, shape (P,)
    return weights + moved
