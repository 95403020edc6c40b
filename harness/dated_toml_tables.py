"""Dated figures in TOML: a file of the harness's own, or the user's in its place."""

from __future__ import annotations

import tomllib
from importlib import resources
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from harness.errors import UserError

Model = TypeVar("Model", bound=BaseModel)


def load(path: Path | None, *, own: str, kind: str, model: type[Model]) -> tuple[str, Model]:
    """Return what messages call the file, and what is in it; without a ``path`` it is the harness's ``own``.

    Raises:
        UserError: The file can't be read, or isn't of this ``kind``; one line names the file, the key and the way out.
    """
    name = own if path is None else str(path)
    way_out = f"write it like the harness's own {own}"
    try:
        text = (resources.files("harness").joinpath(own) if path is None else path).read_text(encoding="utf-8")
        return name, model.model_validate(tomllib.loads(text))
    except OSError as error:
        raise UserError(f"{name}: can't be read ({error.strerror}); name a {kind}") from error
    except ValidationError as error:
        raise UserError(f"{name}: {first_mistake(error)}; {way_out}") from error
    except ValueError as error:
        raise UserError(f"{name}: not TOML ({' '.join(str(error).split())}); {way_out}") from error


def first_mistake(error: ValidationError, *, whole: str = "file") -> str:
    """Return the first key that is wrong, why, what was given where that is short, and how many more there are.

    ``whole`` is what is named where no key is.
    """
    mistake = error.errors(include_url=False)[0]
    key = ".".join(str(part) for part in mistake["loc"]) or whole
    given = mistake["input"]
    value = f" (given: {given!r})" if isinstance(given, (str, int, float)) else ""
    more = error.error_count() - 1
    return f"{key}: {mistake['msg'][:1].lower()}{mistake['msg'][1:]}{value}" + (f", and {more} more" if more else "")
