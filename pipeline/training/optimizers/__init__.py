"""How weights are moved, one file per optimizer; the table is `pipeline.training.OPTIMIZERS`."""
