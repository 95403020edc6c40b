"""The matrix: what a TOML file asks for, judged whole before anything runs."""

from harness.matrix.expansion import Combination, combinations
from harness.matrix.loading import Matrix, load
from harness.matrix.schema import json_schema

__all__ = ["Combination", "Matrix", "combinations", "json_schema", "load"]
