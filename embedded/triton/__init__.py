"""tritonserver out of the wheel ``nvidia-pytriton``, serving TorchScript through a Python-based backend."""

from embedded.triton.server import model_problem, spec

__all__ = ["model_problem", "spec"]
