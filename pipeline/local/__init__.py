"""The interpreter that runs the misses on this machine, and the small modules that start a command."""
