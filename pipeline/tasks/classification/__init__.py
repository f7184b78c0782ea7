"""Classification: give a text one label, several labels, or a number."""
