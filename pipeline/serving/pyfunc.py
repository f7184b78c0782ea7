"""The script MLflow runs to load a registered model ("models from code": no pickle anywhere).

`pipeline.serving.package` copies it next to the modules it needs and renames their package. The registered model then answers with
the code it was evaluated with, even if another version of this project is installed.

Input: a table with a column ``text`` and, optionally, ``name``. Output: one text for each row.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import mlflow.pyfunc
import pandas as pd  # noqa: TC002 - MLflow resolves the annotation of `predict`
from mlflow.models import set_model


class Summarizer(mlflow.pyfunc.PythonModel):  # type: ignore[misc]
    """Answers a table of texts."""

    def load_context(self, context: Any) -> None:  # noqa: ANN401 - MLflow's own, untyped
        """Load the model folder shipped with this script."""
        from pipeline.serving.answer import Answerer

        self.answerer = Answerer.load(Path(context.artifacts["model"]))

    def predict(self, context: Any, model_input: pd.DataFrame, params: dict[str, Any] | None = None) -> list[str]:  # noqa: ANN401, ARG002
        """Answer each row; a missing name means no name."""
        names = model_input["name"].fillna("").tolist() if "name" in model_input else None
        return self.answerer.answer(model_input["text"].tolist(), names)


set_model(Summarizer())
