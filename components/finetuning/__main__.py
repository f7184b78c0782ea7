"""The body of fine-tuning: `python -m components.finetuning --request ...`."""

from components.finetuning.contract import FinetuningParams, contract
from pipeline.runtime import Work, main
from pipeline.training.finetune import finetune_model
from pipeline.training.job import TrainingJob
from pipeline.training.process_group import SINGLE_PROCESS


def finetune(work: Work[FinetuningParams]) -> None:
    """Tokens and an optional base model → task model."""
    base = work.inputs.get("base")
    job = TrainingJob(
        tokens=work.inputs["tokens"].folder,
        model=work.params.model,
        output=work.output,
        device=work.settings.device,
        threads=work.settings.threads,
        reporter=work.reporter,
        checkpoints=work.checkpoints,
        process_group=work.process_group or SINGLE_PROCESS,
    )
    result = finetune_model(job, work.params.task.kind, work.params.finetuning, base.folder if base else None)
    work.metrics.update(result.metrics)
    work.environment.update(result.environment)


if __name__ == "__main__":
    main(contract, finetune)
