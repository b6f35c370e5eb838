"""carrousel: the long short-term memory family, whole and fast, for PyTorch."""

__version__ = "0.1.0"
