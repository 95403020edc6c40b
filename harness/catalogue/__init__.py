"""What each name in a matrix stands for: pure data, free of any library."""
