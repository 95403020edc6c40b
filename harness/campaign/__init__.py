"""A matrix being run: cells resolved, handed to an executor one after another, and their records sealed."""
