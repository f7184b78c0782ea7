"""Launcher docker: each component runs in its own container on a Docker engine."""
