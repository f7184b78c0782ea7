"""Fixtures for all tests. `tests` is put on the path so that fixtures can be imported by name."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

pytest_plugins = ["fixtures.s3", "fixtures.mlflow", "fixtures.line", "fixtures.tiny", "fixtures.foreign", "fixtures.airflow_home"]
