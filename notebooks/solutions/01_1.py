external = {"b", "d", "f"}
