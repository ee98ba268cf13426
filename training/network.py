"""VGG16 as the model contract has it: thirteen convolutions, global average pooling, one linear layer.

The convolutions carry torchvision's names (``features.0.weight`` ...), so its ImageNet weights load as they
are. Everything a client could get wrong (normalisation, temperature, outlier statistics) is a buffer of the
graph: bytes go in, the contract's five tensors come out.
"""

from collections.abc import Mapping
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional

from smear.classes import CLASSES

#: Output channels of each convolution; "pool" halves the resolution. The last max-pool of VGG16 is dropped,
#: so the activation map has 14 x 14 cells.
LAYERS: Final = (
    64,
    64,
    "pool",
    128,
    128,
    "pool",
    256,
    256,
    256,
    "pool",
    512,
    512,
    512,
    "pool",
    512,
    512,
    512,
)

#: ``features[:POOL4]`` ends with the max-pool after block 4; what follows is block 5.
POOL4: Final = 24

#: The same after block 3.
POOL3: Final = 17

#: Width of the pooled features.
EMBEDDING: Final = 512

#: Channels of the layers that the outlier score looks at: blocks 3 and 4.
OUTLIER_LAYERS: Final = (256, 512)

#: Principal components kept for the outlier score; the directions beyond share one variance.
OUTLIER_COMPONENTS: Final = 96

#: Keeps the square root's slope finite where a map is zero.
ROOT_FLOOR: Final = 1e-3

#: Mean pixel of the original Oxford weights, RGB in 0..255; they know no division by a standard deviation.
PIXEL_MEAN: Final = (123.68, 116.779, 103.939)


def vgg16_features() -> nn.Sequential:
    """VGG16's convolutions without the last max-pool, indices as in torchvision's ``vgg16().features``."""
    layers: list[nn.Module] = []
    channels = 3
    for width in LAYERS:
        if isinstance(width, str):
            layers.append(nn.MaxPool2d(kernel_size=2))
        else:
            layers += [nn.Conv2d(channels, width, kernel_size=3, padding=1), nn.ReLU(inplace=True)]
            channels = width
    return nn.Sequential(*layers)


class LeukemiaVGG16(nn.Module):
    """The served network.

    Input: UINT8 [batch, 3, 224, 224] from ``smear.tensor``. Output: the tuple of ``forward``, in the order of
    the outputs in ``config.pbtxt``, because Triton's PyTorch backends match outputs by position.
    """

    #: :data:`POOL3` and :data:`POOL4` again: TorchScript sees no globals of a module.
    block4: Final[int] = POOL3
    block5: Final[int] = POOL4
    embedding: Final[int] = EMBEDDING
    joined: Final[bool]

    pixel_mean: Tensor
    temperature: Tensor
    outlier_spread: Tensor
    outlier_centres: Tensor
    outlier_components: Tensor
    outlier_noise: Tensor
    outlier_scale: Tensor

    def __init__(self, classes: int = len(CLASSES), *, joined: bool = False) -> None:
        super().__init__()
        self.joined = joined
        self.features = vgg16_features()
        self.classifier = nn.Linear(2 * EMBEDDING if joined else EMBEDDING, classes)
        self.register_buffer("pixel_mean", torch.tensor(PIXEL_MEAN).reshape(1, 3, 1, 1))
        self.register_buffer("temperature", torch.ones(1))
        width = sum(OUTLIER_LAYERS)
        self.register_buffer("outlier_spread", torch.ones(width))
        self.register_buffer("outlier_centres", torch.zeros(classes, width))
        self.register_buffer("outlier_components", torch.zeros(width, OUTLIER_COMPONENTS))
        self.register_buffer("outlier_noise", torch.ones(1))
        self.register_buffer("outlier_scale", torch.ones(1))

    @staticmethod
    @torch.jit.unused
    def for_state(state: Mapping[str, Tensor]) -> "LeukemiaVGG16":
        """An empty network that stored tensors fit: joined where their linear layer is as wide."""
        weight = state.get("classifier.weight")
        return LeukemiaVGG16(joined=weight is not None and weight.shape[1] == 2 * EMBEDDING)

    def to_pool3(self, images: Tensor) -> Tensor:
        """Blocks 1 to 3: UINT8 [batch, 3, 224, 224] to FP32 [batch, 256, 28, 28]."""
        maps = images.to(self.pixel_mean.dtype) - self.pixel_mean
        maps = maps.contiguous(memory_format=torch.channels_last)  # a tenth to a half faster on CPUs
        for index, layer in enumerate(self.features):  # TorchScript cannot call a slice
            if index < self.block4:
                maps = layer(maps)
        return maps

    def pool3_to_pool4(self, pool3: Tensor) -> Tensor:
        """Block 4: [batch, 256, 28, 28] to [batch, 512, 14, 14]."""
        maps = pool3
        for index, layer in enumerate(self.features):
            if index >= self.block4 and index < self.block5:
                maps = layer(maps)
        return maps

    def to_pool4(self, images: Tensor) -> Tensor:
        """Blocks 1 to 4: UINT8 [batch, 3, 224, 224] to FP32 [batch, 512, 14, 14]."""
        return self.pool3_to_pool4(self.to_pool3(images))

    def to_maps(self, pool4: Tensor) -> Tensor:
        """Block 5: [batch, 512, 14, 14] to [batch, 512, 14, 14]."""
        maps = pool4
        for index, layer in enumerate(self.features):
            if index >= self.block5:
                maps = layer(maps)
        return maps

    def to_evidence(self, pool4: Tensor) -> Tensor:
        """What the linear layer sees at every position, [batch, 512 or 1024, 14, 14].

        Block 5; in a joined network also the square roots of block 4, which keep texture that block 5 gives up.
        """
        maps = self.to_maps(pool4)
        if self.joined:
            maps = torch.cat([maps, (pool4 + ROOT_FLOOR).sqrt()], dim=1)
        return maps

    def logits(self, pool4: Tensor) -> Tensor:
        """Uncalibrated logits [batch, classes] from block 4's output; what the fine-tuning optimises."""
        return self.classifier(self.to_evidence(pool4).mean(dim=(2, 3)))

    def outlier_features(self, pool3: Tensor, pool4: Tensor) -> Tensor:
        """What the outlier score looks at, [batch, 768]: square roots of the averages after blocks 3 and 4."""
        return torch.cat([pool3.mean(dim=(2, 3)), pool4.mean(dim=(2, 3))], dim=1).sqrt()

    def outlier_score(self, features: Tensor) -> Tensor:
        """Distance from the training photographs, [batch, 1], of :meth:`outlier_features`.

        Mahalanobis distance to the nearest class centre, with one covariance shared by the classes, divided so that
        the median training photograph has 1. :mod:`training.outliers` fits the buffers and gives the sources.
        """
        from_centres = (features / self.outlier_spread).unsqueeze(1) - self.outlier_centres.unsqueeze(0)
        explained = (from_centres @ self.outlier_components).square().sum(dim=2)
        squared = from_centres.square().sum(dim=2) / self.outlier_noise - explained
        return squared.amin(dim=1, keepdim=True).clamp(min=0).sqrt() / self.outlier_scale

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """From bytes to the contract's four outputs, in its order.

        PROBABILITIES [batch, 4], ACTIVATION_MAP [batch, 4, 14, 14], EMBEDDING [batch, 512] and OUTLIER_SCORE
        [batch, 1], all FP32. The activation map is the linear layer applied at every position before the
        averaging, so its mean plus the class's bias is exactly the class's logit (Zhou et al., CVPR 2016);
        PROBABILITIES are the softmax of the logits divided by the temperature.
        """
        pool3 = self.to_pool3(image)
        pool4 = self.pool3_to_pool4(pool3)
        evidence = self.to_evidence(pool4)
        pooled = evidence.mean(dim=(2, 3))
        logits = self.classifier(pooled)
        weight = self.classifier.weight
        activation_map = functional.conv2d(evidence, weight.reshape(weight.shape[0], weight.shape[1], 1, 1))
        probabilities = (logits / self.temperature).softmax(dim=1)
        score = self.outlier_score(self.outlier_features(pool3, pool4))
        return probabilities, activation_map.contiguous(), pooled[:, : self.embedding], score
