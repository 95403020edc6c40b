"""A matrix that has every key, and the files that it names: mistakes are drawn in it as in those that are kept."""

from __future__ import annotations

import hashlib
from pathlib import Path

MATRIX = """\
seeds = [1, 2]
device = "any"
equivalence = 0.02
[datasets.sites]
source = "folder"
path = "images"
folders = "classes"
group_by = "site"
groups = "sites.csv"
per_class = 5
max_images = 9
sample_seed = 3
[datasets.bursts]
source = "folder"
path = "images"
group_by = "(burst_[0-9]+)_"
[datasets.listed]
source = "table"
path = "listed.csv"
columns = {{ image = "file", label = "animal", part = "half", group = "site" }}
[datasets.read]
source = "file"
path = "read.py"
data = "images"
options = {{ every = 2 }}
[datasets.arrays]
source = "npz"
path = "arrays.npz"
[datasets.digits]
max_images = 100
[backbones.narrow]
model = "MobileNetV2"
alpha = 0.35
weights = "none"
train = "last:3"
[backbones.own]
model = "EfficientNetLite0"
weights = "own.weights.h5"
weights_sha256 = "{weights_sha256}"
train = "last:5"
[tuners.default]
[tuners.tpe]
tuner = "optuna-tpe"
pruner = "hyperband"
reports = "last"
startup = "library"
numeric_choices = "categories"
[tuners.tpe.options]
multivariate = true
n_ei_candidates = 12
[tuners.tpe.pruner_options]
reduction_factor = 3
[tuners.kt-hyperband.options]
factor = 4
[hyperparameters.many]
learning_rate = {{ low = 1e-4, high = 1e-1, log = true, default = 1e-3 }}
batch_size = {{ choices = [16, 32, 64], default = 32 }}
dropout = {{ low = 0.0, high = 0.6, step = 0.1 }}
weight_decay = 0.001
label_smoothing = {{ low = 0.0, high = 0.1, points = 3 }}
optimizer = {{ choices = ["adam", "sgd"] }}
hidden_units = {{ low = 0, high = 128, step = 32 }}
[hyperparameters.depth]
fine_tune_depth = {{ low = 0, high = 3 }}
[budget]
epochs = 60
trials = 20
wall_s = 1800
device_s = 900.5
cost_usd = 0.5
[protocol]
metric = "macro_f1"
epochs_per_trial = 9
image_size = 64
schedule = "cosine"
warmup_epochs = 1.5
class_weights = "balanced"
patience = 3
determinism = true
precision = "float32"
jit = false
tuner_threads = 1
meter = "plug.py"
learning_rate_factors = [0.1, 1.0, 10.0]
[protocol.augmentation]
flip = "horizontal"
rotation = 0.05
translation = 0.1
zoom = 0.1
contrast = 0.2
[protocol.split]
train = 0.5
validation = 0.25
test = 0.25
[container]
cpus = 1.5
memory_gib = 2
pids = 500
shm_mib = 64
deadline_s = 7200
folder_gib = 50
[[include]]
dataset = ["sites", "bursts", "arrays", "digits"]
backbone = "narrow"
seed = [1, 2]
[[include]]
backbone = "own"
tuner = ["tpe", "default"]
[[exclude]]
tuner = "kt-hyperband"
hyperparameters = "depth"
"""
_SHOTS = ("burst_1_1", "burst_1_2", "burst_2_1", "burst_2_2")
_IMAGES = tuple(f"{animal}/{shot}.png" for animal in ("cat", "dog") for shot in _SHOTS)


def made(folder: Path) -> bytes:
    """Write the files that the matrix names into ``folder``, where it is to stand itself; return the matrix."""
    held = {f"images/{name}": name.encode() for name in _IMAGES}
    rows = [f"{name},{'north' if 'burst_1' in name else 'south'}" for name in _IMAGES]
    held["sites.csv"] = "\n".join(["path,site", *rows]).encode()
    listed = [f"images/{row},{row[:3]},{'train' if row.endswith('north') else 'test'}" for row in rows]
    held["listed.csv"] = "\n".join(["file,site,animal,half", *listed]).encode()
    held["read.py"] = b"def read(data, *, every): ..."
    held["plug.py"] = b"def create(): ..."
    held |= {"arrays.npz": b"arrays", "own.weights.h5": b"weights"}
    for name, content in held.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return MATRIX.format(weights_sha256=hashlib.sha256(held["own.weights.h5"]).hexdigest()).encode()
