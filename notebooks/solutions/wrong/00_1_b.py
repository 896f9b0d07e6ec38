# refused: that is the channel
served_by = network[name].external["channel"]
