"""Launcher docker: each component runs in a container of its own on a Docker engine."""
