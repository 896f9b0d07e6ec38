served_by = network[name].external["serving BS"]
