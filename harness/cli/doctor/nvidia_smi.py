"""Which GPUs ``nvidia-smi`` names, and why none: one probe for the Makefile, ``.ci/nightly`` and the doctor.

As a program (``python3 -I harness/cli/doctor/nvidia_smi.py``) it prints a name for each GPU, and its exit code is 0
where there is one. It needs nothing but Python, as the Makefile asks before anything is installed.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from typing import NamedTuple

# With several GPUs and no persistence daemon each is switched on to be asked.
PATIENCE_S = 60.0
ABSENT = "no nvidia-smi"
_ASKED = ("--query-gpu=uuid,name", "--format=csv,noheader")
_UUID = "GPU-"


class Named(NamedTuple):
    """The names of the GPUs that it lists, or the reason why there are none."""

    names: tuple[str, ...] = ()
    reason: str | None = None


def find() -> Named:
    """Ask ``nvidia-smi``: what it prints is a GPU only where it succeeds, and only a line that begins with a UUID."""
    command = shutil.which("nvidia-smi")
    if command is None:
        return Named(reason=ABSENT)
    try:
        asked = subprocess.run(
            [command, *_ASKED], capture_output=True, encoding="utf-8", errors="replace", check=False, timeout=PATIENCE_S
        )
    except subprocess.TimeoutExpired:
        return Named(reason=f"nvidia-smi gave no answer within {PATIENCE_S:g} s")
    except OSError as error:
        return Named(reason=f"nvidia-smi can't be run: {error.strerror}")
    return _read(asked.stdout, code=asked.returncode, said=asked.stderr)


def _read(text: str, *, code: int, said: str) -> Named:
    names = tuple(line.partition(",")[2].strip() for line in text.splitlines() if line.startswith(_UUID))
    if code == 0 and names:
        return Named(names)
    told = (text + said).strip().splitlines()
    return Named(reason=f"nvidia-smi ends with {code}: {told[0] if told else 'it says nothing'}")


def main() -> int:
    """Print each GPU's name; return 0 where there is one, else say why there is none and return 1."""
    found = find()
    print(*found.names, sep="\n", end="\n" if found.names else "")  # noqa: T201 - it is a program, too
    if found.reason is not None:
        print(found.reason, file=sys.stderr)  # noqa: T201 - as above
    return 0 if found.names else 1


if __name__ == "__main__":
    sys.exit(main())
