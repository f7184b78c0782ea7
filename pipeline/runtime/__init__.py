"""What happens inside a container: request → verified inputs → body → commit."""

from pipeline.runtime.main import main
from pipeline.runtime.work import Opened, Work

__all__ = ["Opened", "Work", "main"]
