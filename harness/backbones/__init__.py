"""Backbones: their weights (on the host, without Keras) and their parts (in the worker).

Pretrained backbones run in inference mode whatever a caller asks for, so that batch normalisation keeps its statistics
and nothing inside drops out; see ``docs/decisions/002-batch-normalisation.md``.
"""
