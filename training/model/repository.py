"""Where the delivered versions are: the model repository that Triton reads."""

from pathlib import Path

#: The model repository of this project, its FP32 model and the int8 variant.
REPOSITORY = Path("triton_models")
MODEL = REPOSITORY / "leukemia_vgg16"
INT8_MODEL = REPOSITORY / "leukemia_vgg16_int8"

#: The committed version and its weights.
VERSION = 3
COMMITTED = MODEL / str(VERSION) / "weights.safetensors"
