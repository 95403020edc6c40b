"""The formats that searches are exported to, what each needs, and how it is opened."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportFormat:
    """A format: the module that writes it, what that imports and how to get it, and how the output is opened.

    ``is_folder`` says whether the output is a folder, else it is a file; ``opened_by`` has its path as ``{path}``.
    """

    writer: str
    modules: tuple[str, ...]
    remedy: str
    is_folder: bool
    opened_by: str


FORMATS = {
    "optuna": ExportFormat(
        writer="optuna_storage",
        modules=("optuna",),
        remedy="pip install 'tuner-harness[report]'",
        is_folder=False,
        opened_by="optuna-dashboard {path}",
    ),
    "tensorboard": ExportFormat(
        writer="tensorboard_runs",
        modules=("tensorboard",),
        remedy="pip install 'tuner-harness[tensorboard]'",
        is_folder=True,
        opened_by="tensorboard --logdir {path}",
    ),
    "keras-tuner": ExportFormat(
        writer="keras_tuner_projects",
        modules=("keras_tuner", "keras", "tensorflow"),
        remedy="pip install 'tuner-harness[cpu]'",
        is_folder=True,
        opened_by="keras_tuner.RandomSearch(…, directory=…, project_name=…).get_best_hyperparameters()",
    ),
    "mlflow": ExportFormat(
        writer="mlflow_runs",
        modules=("mlflow", "sqlalchemy", "alembic"),
        remedy="pip install 'tuner-harness[mlflow]'",
        is_folder=True,
        opened_by="mlflow ui --backend-store-uri sqlite:///{path}/mlflow.db",
    ),
    "wandb-offline": ExportFormat(
        writer="wandb_offline_runs",
        modules=("wandb",),
        remedy="pip install 'tuner-harness[wandb]'",
        is_folder=True,
        opened_by="wandb leet {path}/wandb, or wandb sync {path}/wandb/offline-run-*",
    ),
    "parquet": ExportFormat(
        writer="parquet_files",
        modules=("polars",),
        remedy="pip install 'tuner-harness[report]'",
        is_folder=True,
        opened_by="polars.read_parquet('{path}/searches.parquet')",
    ),
}
"""What can be exported to, by the name that users give."""
