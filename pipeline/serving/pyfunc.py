"""The script MLflow runs to load a registered model ("models from code": no pickle anywhere).

`pipeline.serving.package` copies it next to the modules it needs and renames their package. The registered model then answers with
the code it was evaluated with, even if another version of this project is installed.

Input and output are tables; their columns are in the model's signature. Two environment variables are read when the model is loaded:

- ``TRAINSHED_DEVICE``: ``cpu``, ``cuda`` or ``auto``, the default, which takes a GPU if torch finds one;
- ``TRAINSHED_SERVING_PRECISION``: ``fp32``, the default, in which the model was evaluated; ``bf16``; or ``auto``, which takes bf16 if
  the hardware multiplies in it.

`pipeline.serving.input_log` names those that turn on the log of inputs.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import mlflow.pyfunc
import pandas as pd
from mlflow.exceptions import MlflowException
from mlflow.models import set_model


class ServedModel(mlflow.pyfunc.PythonModel):  # type: ignore[misc]
    """Answers a table of rows."""

    def load_context(self, context: Any) -> None:  # noqa: ANN401 - MLflow's own, untyped
        """Load the model folder shipped with this script."""
        from pipeline.serving.answer import Answerer
        from pipeline.serving.input_log import open_input_log

        device, precision = os.environ.get("TRAINSHED_DEVICE", "auto"), os.environ.get("TRAINSHED_SERVING_PRECISION", "fp32")
        self.answerer = Answerer.load(Path(context.artifacts["model"]), device, precision)
        self.input_log = open_input_log(self.answerer.document)

    def predict(self, context: Any, model_input: pd.DataFrame, params: dict[str, Any] | None = None) -> pd.DataFrame:  # noqa: ANN401, ARG002
        """Answer each row.

        Raises:
            MlflowException: a row cannot be answered; of any other error a server would hide the message.
        """
        from pipeline.errors import BadInput

        try:
            self.answerer.check_columns(model_input.columns)
            rows = _rows(model_input)
            found = self.answerer.answer(rows)
        except BadInput as error:
            raise MlflowException.invalid_parameter_value(str(error)) from error
        if self.input_log:
            self.input_log.add(rows)
        return pd.DataFrame({name: _cells(values) for name, values in found.items()})


def _rows(table: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows of a table, in a fifth of the time of ``to_dict("records")``: a request is often one row."""
    cells = zip(*(table[name].tolist() for name in table.columns), strict=True)
    return [dict(zip(table.columns, row, strict=True)) for row in cells]


def _cells(values: list[Any]) -> Any:  # noqa: ANN401 - a list or a pandas Series, which is untyped
    """A column; pandas would turn None among numbers into NaN, which is no JSON."""
    return pd.Series(values, dtype=object) if any(value is None for value in values) else values


set_model(ServedModel())
