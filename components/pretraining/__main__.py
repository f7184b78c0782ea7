"""The body of pretraining: `python -m components.pretraining --request ...`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from components.pretraining.contract import PretrainingParams, contract
from pipeline.runtime import Work, main
from pipeline.tasks.parts import part
from pipeline.training.job import TrainingJob
from pipeline.training.pretrain import pretrain_model
from pipeline.training.process_group import SINGLE_PROCESS

if TYPE_CHECKING:
    from pipeline.training.base import TrainedTask


def pretrain(work: Work[PretrainingParams]) -> None:
    """Tokens → base model, or the model of a task without examples."""
    base, task = work.inputs.get("base"), work.params.task
    trained: TrainedTask | None = part(task, "model") if task and task.finetuned else None
    job = TrainingJob(
        tokens=work.inputs["tokens"].folder,
        model=work.params.model,
        output=work.output,
        device=work.settings.device,
        threads=work.settings.threads,
        reporter=work.reporter,
        checkpoints=work.checkpoints,
        process_group=work.process_group or SINGLE_PROCESS,
        base=base.folder if base else None,
    )
    section = task.model_dump(mode="json", exclude_none=True) if task else None
    result = pretrain_model(job, work.params.pretraining, section, trained)
    work.metrics.update(result.metrics)
    work.environment.update(result.environment)


if __name__ == "__main__":
    main(contract, pretrain)
