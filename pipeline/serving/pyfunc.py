"""The script MLflow runs to load a registered model ("models from code": no pickle anywhere).

`pipeline.serving.package` copies it next to the modules it needs and renames their package. The registered model then answers with
the code it was evaluated with, even if another version of this project is installed.

Input and output are tables; their columns are in the model's signature. The model runs on a GPU if torch finds one, unless the
environment variable ``TRAINSHED_DEVICE`` names a device.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import mlflow.pyfunc
import pandas as pd
from mlflow.models import set_model


class ServedModel(mlflow.pyfunc.PythonModel):  # type: ignore[misc]
    """Answers a table of rows."""

    def load_context(self, context: Any) -> None:  # noqa: ANN401 - MLflow's own, untyped
        """Load the model folder shipped with this script."""
        import torch

        from pipeline.serving.answer import Answerer

        device = os.environ.get("TRAINSHED_DEVICE", "auto")
        if device == "auto":
            device = "cuda" if torch.cuda.is_available() else "cpu"
        self.answerer = Answerer.load(Path(context.artifacts["model"]), device)

    def predict(self, context: Any, model_input: pd.DataFrame, params: dict[str, Any] | None = None) -> pd.DataFrame:  # noqa: ANN401, ARG002
        """Answer each row."""
        return pd.DataFrame(self.answerer.answer(model_input.to_dict("records")))


set_model(ServedModel())
