"""What tasks share whose answer is a written text: encoding, batches, predictions."""
