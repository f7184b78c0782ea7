"""What one Airflow task does, whatever the launcher: resolve, launch, check the result, retry or fail."""
