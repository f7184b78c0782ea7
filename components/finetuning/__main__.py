"""The body of fine-tuning: `python -m components.finetuning --request ...`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from components.finetuning.contract import FinetuningParams, contract
from pipeline.runtime import Work, main
from pipeline.tasks.parts import part
from pipeline.training.finetune import finetune_model
from pipeline.training.job import TrainingJob
from pipeline.training.process_group import SINGLE_PROCESS

if TYPE_CHECKING:
    from pipeline.training.base import TrainedTask


def finetune(work: Work[FinetuningParams]) -> None:
    """Tokens and an optional base model → task model."""
    task, base = work.params.task, work.inputs.get("base")
    trained: TrainedTask = part(task, "model")
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
    result = finetune_model(job, work.params.finetuning, trained, task.model_dump(mode="json", exclude_none=True))
    work.metrics.update(result.metrics)
    work.environment.update(result.environment)


if __name__ == "__main__":
    main(contract, finetune)
