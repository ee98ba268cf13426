"""Triton's Python-based backend ``pytorch``: serves a TorchScript ``model.pt`` where there is no libtorch.

It honours what the libtorch backend honours of ``config.pbtxt``: tensor order and shapes, instance groups,
``default_model_filename`` and the parameters ``INTRA_OP_THREAD_COUNT``, ``INTER_OP_THREAD_COUNT``,
``DISABLE_OPTIMIZED_EXECUTION``, ``ENABLE_JIT_PROFILING``, ``ENABLE_JIT_EXECUTOR`` and ``INFERENCE_MODE``.
Source: https://github.com/triton-inference-server/pytorch_backend#parameters

Tensors cross by DLPack both ways: this server's stub predates NumPy 2, with which ``as_numpy()`` loses data
silently.
"""

import json
import os
from typing import Any

import torch
import torch.utils.dlpack
import triton_python_backend_utils as pb_utils


class TritonPythonModel:
    """One instance of one model version. Triton runs each in a process of its own."""

    def initialize(self, args: dict[str, str]) -> None:
        """Load the version's model. Raises TritonModelException when it is missing or cannot be read."""
        config = json.loads(args["model_config"])
        self.inputs = config["input"]
        self.outputs = config["output"]
        self.max_batch_size = config.get("max_batch_size", 0)
        parameters = {name: value["string_value"] for name, value in config.get("parameters", {}).items()}
        self._configure_torch(parameters)
        self.inference_mode = parameters.get("INFERENCE_MODE", "true").lower() != "false"
        path = os.path.join(
            args["model_repository"],
            args["model_version"],
            config.get("default_model_filename") or "model.pt",
        )
        if not os.path.exists(path):
            raise pb_utils.TritonModelException(f"{path} is missing: run 'make export'")
        try:
            self.model = torch.jit.load(path, map_location="cpu").eval()
        except RuntimeError as error:
            raise pb_utils.TritonModelException(f"{path} is no TorchScript model: {error}") from error

    @staticmethod
    def _configure_torch(parameters: dict[str, str]) -> None:
        if "onednn" in torch.backends.quantized.supported_engines:
            torch.backends.quantized.engine = "onednn"
        intra_op = int(parameters.get("INTRA_OP_THREAD_COUNT", 0))
        inter_op = int(parameters.get("INTER_OP_THREAD_COUNT", 0))
        if intra_op > 0:
            torch.set_num_threads(intra_op)
        if inter_op > 0:
            torch.set_num_interop_threads(inter_op)
        if parameters.get("DISABLE_OPTIMIZED_EXECUTION", "false").lower() == "true":
            torch._C._set_graph_executor_optimize(False)
        for name, switch in (
            ("ENABLE_JIT_EXECUTOR", torch._C._jit_set_profiling_executor),
            ("ENABLE_JIT_PROFILING", torch._C._jit_set_profiling_mode),
        ):
            if name in parameters:
                switch(parameters[name].lower() == "true")

    def execute(self, requests: list[Any]) -> list[Any]:
        """Run the requests Triton has batched together in one forward pass; a wrong request fails alone."""
        responses: list[Any] = [None] * len(requests)
        accepted: list[int] = []
        batches: list[list[torch.Tensor]] = []
        for index, request in enumerate(requests):
            tensors = [
                torch.utils.dlpack.from_dlpack(
                    pb_utils.get_input_tensor_by_name(request, spec["name"]).to_dlpack()
                )
                for spec in self.inputs
            ]
            problem = self._problem(tensors)
            if problem:
                responses[index] = _failure(problem)
            else:
                accepted.append(index)
                batches.append(tensors)
        if accepted:
            for index, response in zip(accepted, self._run(batches), strict=True):
                responses[index] = response
        return responses

    def _problem(self, tensors: list[torch.Tensor]) -> str:
        """Why the tensors of one request cannot be used, or ""."""
        for spec, tensor in zip(self.inputs, tensors, strict=True):
            wanted = [int(size) for size in spec["dims"]]
            shape = list(tensor.shape[1:] if self.max_batch_size else tensor.shape)
            fits = len(shape) == len(wanted) and all(w in (-1, s) for w, s in zip(wanted, shape, strict=True))
            if not fits:
                return f"input {spec['name']} must have the shape {wanted} after the batch, not {shape}"
        sizes = {tensor.shape[0] for tensor in tensors}
        return "inputs differ in their batch size" if self.max_batch_size and len(sizes) > 1 else ""

    def _run(self, batches: list[list[torch.Tensor]]) -> list[Any]:
        sizes = [batch[0].shape[0] for batch in batches]
        columns = [
            torch.cat(column) if len(column) > 1 else column[0] for column in zip(*batches, strict=True)
        ]
        try:
            with torch.inference_mode(self.inference_mode), torch.no_grad():
                results = self.model(*columns)
        except (RuntimeError, torch.jit.Error) as error:
            reason = str(error).strip().splitlines()[-1]  # above it: TorchScript's traceback
            return [_failure(f"the model failed: {reason}") for _ in batches]
        results = tuple(results) if isinstance(results, (tuple, list)) else (results,)
        if len(results) != len(self.outputs):
            problem = f"the model returned {len(results)} tensors, config.pbtxt names {len(self.outputs)}"
            return [_failure(problem) for _ in batches]
        parts = [result.split(sizes) if self.max_batch_size else [result] for result in results]
        return [
            pb_utils.InferenceResponse(
                [
                    pb_utils.Tensor.from_dlpack(spec["name"], part[row].contiguous().__dlpack__())
                    for spec, part in zip(self.outputs, parts, strict=True)
                ]
            )
            for row in range(len(batches))
        ]


def _failure(problem: str) -> Any:
    return pb_utils.InferenceResponse(output_tensors=[], error=pb_utils.TritonError(problem))
