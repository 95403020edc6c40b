"""What checks run on the device: matrices, the files that they name, and small programs."""

from __future__ import annotations

import math

SMOKE = """\
seeds = {seeds}
device = "gpu"
[budget]
epochs = 12
[protocol]
epochs_per_trial = 3
image_size = 32
determinism = true
precision = "{precision}"
jit = {jit}
[datasets.digits]
max_images = 300
[backbones.EfficientNetLite0]
weights = "none"
train = "last:20"
[tuners.kt-random]
[hyperparameters.lr]
learning_rate = {{ low = 1e-4, high = 1e-3, log = true }}
batch_size = {{ choices = [16, 64], default = 16 }}
"""

PLANTED = """\
seeds = [1]
device = "gpu"
[budget]
trials = 2
[protocol]
epochs_per_trial = 1
image_size = 32
[datasets.digits]
max_images = 1200
[backbones.wide]
model = "file"
path = "wide.py"
options = {{ units = {units} }}
weights = "none"
train = "all"
[tuners.kt-grid]
[hyperparameters.batch]
learning_rate = {{ choices = [0.001], default = 0.001 }}
batch_size = {{ choices = [{small}, {large}], default = {small} }}
optimizer = {{ choices = ["sgd"], default = "sgd" }}
"""
SMALL_BATCH, LARGE_BATCH = 8, 512

# Wide, so that a batch decides whether its activations fit: their number for each image is what ``units`` says.
WIDE = """\
import keras
from keras import layers


def create(*, image_size, units):
    images = keras.Input((image_size, image_size, 3))
    wide = layers.Dense(units)(layers.GlobalAveragePooling2D()(images))
    return keras.Model(images, layers.GlobalAveragePooling1D()(layers.Reshape((units // 64, 64))(wide)))
"""

BREAKING = """\
seeds = [1]
device = "gpu"
[budget]
epochs = 4
[protocol]
epochs_per_trial = 2
image_size = 32
metric = "breaking.py"
[datasets.digits]
max_images = 200
[backbones.EfficientNetLite0]
weights = "none"
train = "head"
[tuners.kt-random]
[hyperparameters.lr]
learning_rate = { low = 1e-4, high = 1e-1, log = true }
"""

# A metric that, after the first epoch, lets a kernel write to address 1 in the context that TensorFlow uses too. CUDA's
# documentation says of the error (700) that the context can't be used any more.
METRIC = '''\
import ctypes

KERNEL = b"""
.version 6.0
.target sm_60
.address_size 64
.visible .entry breaks()
{
    .reg .b64 %address;
    .reg .b32 %value;
    mov.u64 %address, 1;
    mov.u32 %value, 1;
    st.global.u32 [%address], %value;
    ret;
}
"""
ILLEGAL_ADDRESS = (700, 716)


def score(counts, classes):
    cuda = ctypes.CDLL("libcuda.so.1")
    context, module, function = ctypes.c_void_p(), ctypes.c_void_p(), ctypes.c_void_p()
    done(cuda.cuInit(0))
    done(cuda.cuDevicePrimaryCtxRetain(ctypes.byref(context), 0))
    done(cuda.cuCtxSetCurrent(context))
    done(cuda.cuModuleLoadData(ctypes.byref(module), KERNEL))
    done(cuda.cuModuleGetFunction(ctypes.byref(function), module, b"breaks"))
    done(cuda.cuLaunchKernel(function, 1, 1, 1, 1, 1, 1, 0, None, None, None))
    code = cuda.cuCtxSynchronize()
    if code not in ILLEGAL_ADDRESS:
        raise RuntimeError(f"the context was not broken: {code}")
    return 0.5


def done(code):
    if code != 0:
        raise RuntimeError(f"the context could not be broken: {code}")
'''

RUN = """\
import json, sys
import harness
from harness.errors import HarnessError

asked = json.loads(sys.argv[1])
try:
    harness.run(asked.pop("matrix"), **asked)
except HarnessError as error:
    sys.exit(str(error))
"""

BUSY = """\
import sys
import tensorflow as tf

for gpu in tf.config.list_physical_devices("GPU"):
    tf.config.experimental.set_memory_growth(gpu, True)
size = 4096 if tf.config.list_physical_devices("GPU") else 256
one = tf.random.uniform((size, size))


@tf.function
def work(matrix):
    for _ in range(20):
        matrix = tf.math.l2_normalize(tf.linalg.matmul(matrix, one))
    return matrix


work(one).numpy()
print("busy", flush=True)
while True:
    work(one).numpy()
"""

INSIDE = """\
import json, os
import tensorflow as tf
from harness.meters import nvml

details = [tf.config.experimental.get_device_details(gpu) for gpu in tf.config.list_physical_devices("GPU")]
told = {"uuids": [gpu.uuid for gpu in nvml.find().gpus], "names": [one.get("device_name") for one in details]}
print(json.dumps(told), flush=True)
os._exit(0)
"""


def smoke(*, precision: str = "float32", jit: bool = False, cells: int = 1) -> str:
    """Return a matrix of so many searches of four trials each."""
    return SMOKE.format(seeds=list(range(1, cells + 1)), precision=precision, jit=str(jit).lower())


def planted(memory_bytes: float) -> str:
    """Return a matrix of two trials, of which the activations of one take twice the memory."""
    units = math.ceil(2 * memory_bytes / (4 * LARGE_BATCH) / 64) * 64
    return PLANTED.format(units=units, small=SMALL_BATCH, large=LARGE_BATCH)
