"""The body of pretraining: `python -m components.pretraining --request ...`."""

from components.pretraining.contract import PretrainingParams, contract
from pipeline.runtime import Work, main
from pipeline.training.pretrain import pretrain_model


def pretrain(work: Work[PretrainingParams]) -> None:
    """Tokens → base model."""
    outcome = pretrain_model(
        work.inputs["tokens"].folder,
        work.params.model,
        work.params.pretraining,
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
    main(contract, pretrain)
