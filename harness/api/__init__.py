"""What Python code calls: a matrix, a run of it, and its results. The command line is one caller of it."""
