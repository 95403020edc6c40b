"""The matrix: what a TOML file asks for, judged whole before anything runs."""

from harness.matrix.expansion import Combination, combinations
from harness.matrix.json_schema import json_schema
from harness.matrix.loading import Matrix, load

__all__ = ["Combination", "Matrix", "combinations", "json_schema", "load"]
