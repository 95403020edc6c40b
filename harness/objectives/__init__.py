"""What turns proposals into epochs: real Keras training, built once for a whole search."""
