"""Labelled images: found and verified on the host, decoded and split in the worker.

Host side, without numpy: ``resolving``, and what reads tables, archives and libraries' files for it. Worker side, with
numpy and Pillow: ``decoded_images`` (the decoded set as a memory map) and ``splits``. ``verified_sources`` is what the
one tells the other.
"""
