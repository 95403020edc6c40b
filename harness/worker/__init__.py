"""The program that works at one cell folder, and knows nothing of campaigns, containers or tables."""
