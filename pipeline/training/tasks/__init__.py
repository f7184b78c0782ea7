"""What is learned from (text, target) pairs, one file per task; the table is `pipeline.training.TASKS`."""
