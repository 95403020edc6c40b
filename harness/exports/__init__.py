"""Searches as other tools keep them: frames, and the files of Optuna, Keras Tuner, TensorBoard and others."""
