"""How weights are updated, one file per optimizer; the table is `pipeline.training.OPTIMIZERS`."""
