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
    from pipeline.training.base import AnsweringTask, AnswerScoring


def finetune(work: Work[FinetuningParams]) -> None:
    """Tokens and an optional base model → task model; the corpus only for early stopping on a metric."""
    task, base, corpus = work.params.task, work.inputs.get("base"), work.inputs.get("corpus")
    trained: AnsweringTask = part(task, "model")
    scoring: AnswerScoring | None = part(task, "scoring") if work.params.finetuning.stop_on else None
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
        corpus=corpus.folder if corpus else None,
    )
    result = finetune_model(job, work.params.finetuning, trained, task.model_dump(mode="json", exclude_none=True), scoring)
    work.metrics.update(result.metrics)
    work.environment.update(result.environment)


if __name__ == "__main__":
    main(contract, finetune)
