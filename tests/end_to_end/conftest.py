"""The fixtures `stack` and `docker_stack`: one running stack each for all end-to-end tests."""

from fixtures.docker import base_image, docker_stack, engine, images
from fixtures.stack import stack

__all__ = ["base_image", "docker_stack", "engine", "images", "stack"]
