"""Labelled images: found and verified on the host, decoded and split in the worker.

Host side, standard library only: ``sources``, ``layout``, ``unpack``. Worker side, with numpy and Pillow: ``images``
(the decoded set as a memory map) and ``splits``.
"""
