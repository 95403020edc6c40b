from __future__ import annotations

import gc
import os
import subprocess
import sys

import pytest

from harness.worker.library_imports import uncollected


def test_nothing_is_collected_within_and_everything_again_afterwards() -> None:
    with uncollected():
        assert not gc.isenabled()

    assert gc.isenabled()
    assert gc.get_freeze_count() > 0
    gc.unfreeze()


def test_an_import_that_fails_turns_the_collector_on_again() -> None:
    with pytest.raises(ImportError), uncollected():
        raise ImportError

    assert gc.isenabled()
    gc.unfreeze()


@pytest.mark.seconds
def test_no_library_begins_a_thread_while_it_is_imported() -> None:
    code = (
        "from harness.worker.library_imports import keep_still; keep_still()\n"
        "import os, scipy.linalg, pyarrow, pyarrow.compute\n"
        "print(len(os.listdir('/proc/self/task')))"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout == "1\n"


@pytest.mark.seconds
def test_numerical_libraries_of_a_worker_train_on_one_thread_and_do_not_spin() -> None:
    code = (
        "from harness.worker.library_imports import keep_still; keep_still()\n"
        "import os, scipy.linalg, numpy, threadpoolctl\n"
        "print({pool['num_threads'] for pool in threadpoolctl.threadpool_info()})\n"
        "print(os.environ['OPENBLAS_THREAD_TIMEOUT'], os.environ['OMP_WAIT_POLICY'])"
    )
    loud = {**os.environ, "OMP_NUM_THREADS": "2", "OPENBLAS_NUM_THREADS": "2", "OMP_WAIT_POLICY": "ACTIVE"}

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=loud)

    assert done.stdout.splitlines() == ["{1}", "4 PASSIVE"]
