"""What is learned from text without labels, one file per objective; the table is `pipeline.training.OBJECTIVES`."""
