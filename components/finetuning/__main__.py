"""The body of fine-tuning: `python -m components.finetuning --request ...`."""

from components.finetuning.contract import FinetuningParams, contract
from pipeline.runtime import Work, main
from pipeline.training.finetune import finetune_model


def finetune(work: Work[FinetuningParams]) -> None:
    """Tokens, and a base model where there is one → task model."""
    base = work.inputs.get("base")
    outcome = finetune_model(
        work.inputs["tokens"].folder,
        base.folder if base else None,
        work.params.model,
        work.params.finetuning,
        work.output,
        device=work.settings.device,
        threads=work.settings.threads,
        reporter=work.reporter,
        checkpoints=work.checkpoints,
        ranks=work.ranks,
    )
    work.metrics.update(outcome.metrics)
    work.environment.update(outcome.environment)


if __name__ == "__main__":
    main(contract, finetune)
