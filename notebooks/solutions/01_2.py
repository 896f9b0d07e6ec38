def touched_by_handover(heard, channel, old, new, c):
    users = [u for u in range(len(heard)) if channel[u] == c and (old in heard[u] or new in heard[u])]
    return users
