"""VGG16 as the model contract has it: convolutions, global averages, one linear layer.

All thirteen convolutions and averages of block 5, or the ten before it and averages of blocks 3 and 4
(``docs/decisions/0015-blocks-3-and-4.md``).

The convolutions carry torchvision's names (``features.0.weight`` ...), so its ImageNet weights load as they
are. Everything a client could get wrong (normalisation, temperature, outlier statistics) is a buffer of the
graph: bytes go in, the contract's five tensors come out.
"""

from collections.abc import Mapping
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional

from smear import contract

#: Channels of VGG16's first convolution; the others have multiples of it.
WIDTH: Final = 64

#: Output channels of each convolution as multiples of :data:`WIDTH`; "pool" halves the resolution. The last
#: max-pool of VGG16 is dropped, so the activation map has 14 x 14 cells.
LAYERS: Final = (1, 1, "pool", 2, 2, "pool", 4, 4, 4, "pool", 8, 8, 8, "pool", 8, 8, 8)

#: ``features[:POOL4]`` ends with the max-pool after block 4; what follows is block 5.
POOL4: Final = 24

#: The same after block 3.
POOL3: Final = 17

#: Cells of the activation map each way.
GRID: Final = contract.GRID

#: Channels of each block that is used, as multiples of :data:`WIDTH`. Block 5's average, or block 4's where there is
#: no block 5, is the EMBEDDING: 512 in the served network.
CHANNELS: Final = {3: 4, 4: 8, 5: 8}

#: Principal components kept for the outlier score; the directions beyond share one variance.
OUTLIER_COMPONENTS: Final = 96

#: Keeps the square root's slope finite where a map is zero.
ROOT_FLOOR: Final = 1e-3

#: What the linear layer may see, and its channels as multiples of :data:`WIDTH`: the averages of block 5, or the
#: square roots of those of blocks 3 and 4, which the outlier score looks at too.
SEES: Final = {"block5": CHANNELS[5], "blocks34": CHANNELS[3] + CHANNELS[4]}

#: Mean pixel of the original Oxford weights, RGB in 0..255; they know no division by a standard deviation.
PIXEL_MEAN: Final = (123.68, 116.779, 103.939)


def block_columns(averages: int) -> tuple[slice, slice]:
    """Which of so many averages after blocks 3 and 4, side by side, are block 3's and which block 4's."""
    block3 = averages * CHANNELS[3] // SEES["blocks34"]
    return slice(0, block3), slice(block3, averages)


def vgg16_features(end: int | None = None, width: int = WIDTH) -> nn.Sequential:
    """VGG16's convolutions without the last max-pool, indices as in torchvision's ``vgg16().features``.

    :param end: the index before which to stop; None for all of them.
    :param width: channels of the first convolution.
    """
    layers: list[nn.Module] = []
    channels = 3
    for multiple in LAYERS:
        if isinstance(multiple, str):
            layers.append(nn.MaxPool2d(kernel_size=2))
        else:
            wider = multiple * width
            layers += [nn.Conv2d(channels, wider, kernel_size=3, padding=1), nn.ReLU(inplace=True)]
            channels = wider
    return nn.Sequential(*layers[:end])


class LeukemiaVGG16(nn.Module):
    """The served network.

    Input: UINT8 [batch, 3, 224, 224] from ``smear.tensor``. Output: the tuple of ``forward``, in the order of
    ``smear.contract.OUTPUTS``, because Triton's PyTorch backends match outputs by position.

    :param sees: what the linear layer sees, a key of :data:`SEES`. A network that sees blocks 3 and 4 has no block 5.
    :param enlarged: the side in pixels to which the photograph is enlarged inside; 0 takes it as it comes. Enlarging
        shows a block the same tissue through a smaller window: at 336 pixels block 4's 100 pixels are 67 of the
        photograph's, three nuclei across.
    :param width: channels of the first convolution. Only :data:`WIDTH` fits the model contract; a narrower network is
        trained and judged alike, in a fraction of the time.
    """

    #: :data:`POOL3` and :data:`POOL4` again: TorchScript sees no globals of a module.
    block4: Final[int] = POOL3
    block5: Final[int] = POOL4
    grid: Final[int] = GRID
    floor: Final[float] = ROOT_FLOOR
    width: Final[int]
    embedding: Final[int]
    block3_channels: Final[int]
    sees: Final[str]
    deep: Final[bool]
    enlarged: Final[int]

    pixel_mean: Tensor
    temperature: Tensor
    enlarged_to: Tensor
    centre: Tensor
    outlier_spread: Tensor
    outlier_centres: Tensor
    outlier_components: Tensor
    outlier_noise: Tensor
    outlier_scale: Tensor

    def __init__(
        self,
        classes: int = len(contract.LABELS),
        *,
        sees: str = "block5",
        enlarged: int = 0,
        width: int = WIDTH,
    ) -> None:
        super().__init__()
        self.width = width
        self.embedding = CHANNELS[5] * width
        self.block3_channels = CHANNELS[3] * width
        self.sees = sees
        self.deep = sees == "block5"
        self.enlarged = enlarged
        self.features = vgg16_features(None if self.deep else POOL4, width)
        self.classifier = nn.Linear(SEES[sees] * width, classes)
        self.register_buffer("pixel_mean", torch.tensor(PIXEL_MEAN).reshape(1, 3, 1, 1))
        self.register_buffer("temperature", torch.ones(1))
        # A weights file says how it is to be read; the graph uses the constant.
        self.register_buffer("enlarged_to", torch.tensor([float(enlarged)]))
        # What the average training photograph has: the map then shows what this photograph has more of.
        self.register_buffer("centre", torch.zeros(SEES[sees] * width))
        averages = SEES["blocks34"] * width
        self.register_buffer("outlier_spread", torch.ones(averages))
        self.register_buffer("outlier_centres", torch.zeros(classes, averages))
        self.register_buffer("outlier_components", torch.zeros(averages, OUTLIER_COMPONENTS))
        self.register_buffer("outlier_noise", torch.ones(1))
        self.register_buffer("outlier_scale", torch.ones(1))

    @staticmethod
    @torch.jit.unused
    def for_state(state: Mapping[str, Tensor]) -> "LeukemiaVGG16":
        """An empty network that stored tensors fit.

        :raises KeyError: when the tensors that say so are missing.
        """
        width = state["features.0.weight"].shape[0]
        seen = state["classifier.weight"].shape[1]
        sees = next((sees for sees, multiple in SEES.items() if multiple * width == seen), "block5")
        return LeukemiaVGG16(sees=sees, enlarged=int(state["enlarged_to"]), width=width)

    @torch.jit.unused
    def empty_copy(self) -> "LeukemiaVGG16":
        """Another network of the same make, with random weights."""
        return LeukemiaVGG16(sees=self.sees, enlarged=self.enlarged, width=self.width)

    @torch.jit.unused
    def unenlarged(self) -> "LeukemiaVGG16":
        """The same convolutions for photographs as they come."""
        plain = LeukemiaVGG16(sees=self.sees, width=self.width)
        plain.features = self.features
        return plain.eval()

    def to_pool3(self, images: Tensor) -> Tensor:
        """Blocks 1 to 3: UINT8 [batch, 3, 224, 224] to FP32 [batch, 256, 28, 28] (42 x 42 when enlarged to 336)."""
        maps = images.to(self.pixel_mean.dtype)
        if self.enlarged > 0:
            side = [self.enlarged, self.enlarged]
            maps = functional.interpolate(maps, size=side, mode="bicubic", align_corners=False).clamp(
                0.0, 255.0
            )
        maps = maps - self.pixel_mean
        maps = maps.contiguous(memory_format=torch.channels_last)  # a tenth to a half faster on CPUs
        for index, layer in enumerate(self.features):  # TorchScript cannot call a slice
            if index < self.block4:
                maps = layer(maps)
        return maps

    def pool3_to_pool4(self, pool3: Tensor) -> Tensor:
        """Block 4: [batch, 256, 28, 28] to [batch, 512, 14, 14] (21 x 21 when enlarged to 336)."""
        maps = pool3
        for index, layer in enumerate(self.features):
            if index >= self.block4 and index < self.block5:
                maps = layer(maps)
        return maps

    def to_maps(self, pool4: Tensor) -> Tensor:
        """Block 5: [batch, 512, 14, 14] to [batch, 512, 14, 14]."""
        maps = pool4
        for index, layer in enumerate(self.features):
            if index >= self.block5:
                maps = layer(maps)
        return maps

    def means(self, pool3: Tensor, pool4: Tensor) -> Tensor:
        """Spatial averages after blocks 3 and 4, side by side, [batch, 768]."""
        return torch.cat([pool3.mean(dim=(2, 3)), pool4.mean(dim=(2, 3))], dim=1)

    def roots(self, means: Tensor) -> Tensor:
        """Square roots of spatial averages, [batch, channels]; the slope stays finite where an average is zero."""
        return means / (means + self.floor).sqrt()

    def outlier_features(self, pool3: Tensor, pool4: Tensor) -> Tensor:
        """What the outlier score looks at, [batch, 768]: square roots of the averages after blocks 3 and 4."""
        return self.roots(self.means(pool3, pool4))

    def seen(self, pool3: Tensor, pool4: Tensor) -> Tensor:
        """What the linear layer sees, [batch, 512 or 768]: block 5's averages, or :meth:`outlier_features`, centred."""
        if self.deep:
            return self.to_maps(pool4).mean(dim=(2, 3)) - self.centre
        return self.outlier_features(pool3, pool4) - self.centre

    def logits(self, pool3: Tensor, pool4: Tensor) -> Tensor:
        """Uncalibrated logits [batch, classes] from what blocks 3 and 4 leave."""
        answer: Tensor = self.classifier(self.seen(pool3, pool4))
        return answer

    def outlier_score(self, features: Tensor) -> Tensor:
        """Distance from the training photographs, [batch, 1], of :meth:`outlier_features`.

        Mahalanobis distance to the nearest class centre, with one covariance shared by the classes, divided so that
        the median training photograph has 1. :mod:`training.model.outliers` fits the buffers and gives the sources.
        """
        from_centres = (features / self.outlier_spread).unsqueeze(1) - self.outlier_centres.unsqueeze(0)
        explained = (from_centres @ self.outlier_components).square().sum(dim=2)
        squared = from_centres.square().sum(dim=2) / self.outlier_noise - explained
        return squared.amin(dim=1, keepdim=True).clamp(min=0).sqrt() / self.outlier_scale

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """From bytes to the contract's four outputs, in its order.

        PROBABILITIES [batch, 4], ACTIVATION_MAP [batch, 4, 14, 14], EMBEDDING [batch, 512] and OUTLIER_SCORE
        [batch, 1], all FP32. The activation map is what the linear layer adds up to, place by place, so its mean plus
        the class's bias is exactly the class's logit (after Zhou et al., CVPR 2016); PROBABILITIES are the softmax of
        the logits divided by the temperature. EMBEDDING is the last block's part of what the linear layer sees.
        """
        pool3 = self.to_pool3(image)
        pool4 = self.pool3_to_pool4(pool3)
        features = self.outlier_features(pool3, pool4)
        if self.deep:
            maps = self.to_maps(pool4)
            seen = maps.mean(dim=(2, 3)) - self.centre
            added = self._on_grid(self._weighed(maps, self.classifier.weight))
        else:
            seen = features - self.centre
            added = self._map_of_blocks_3_and_4(pool3, pool4)
        activation_map = added - (self.classifier.weight @ self.centre).reshape(1, -1, 1, 1)
        probabilities = (self.classifier(seen) / self.temperature).softmax(dim=1)
        return (
            probabilities,
            activation_map.contiguous(),
            seen[:, seen.shape[1] - self.embedding :].contiguous(),
            self.outlier_score(features),
        )

    def _map_of_blocks_3_and_4(self, pool3: Tensor, pool4: Tensor) -> Tensor:
        """The linear layer over square roots of averages, place by place, [batch, classes, 14, 14].

        m / sqrt(m) is the mean over places of x / sqrt(m): each channel is divided by the root of its own average in
        this photograph, and what then stands at each place adds up to what :meth:`roots` gives.
        """
        weight, channels = self.classifier.weight, self.block3_channels
        maps = []
        for blocks, own in ((pool3, weight[:, :channels]), (pool4, weight[:, channels:])):
            scale = (blocks.mean(dim=(2, 3), keepdim=True) + self.floor).sqrt()
            maps.append(self._on_grid(self._weighed(blocks / scale, own)))
        return maps[0] + maps[1]

    def _weighed(self, maps: Tensor, weight: Tensor) -> Tensor:
        """``weight`` [classes, channels] applied at every place of ``maps`` [batch, channels, side, side]."""
        return functional.conv2d(maps, weight.reshape(weight.shape[0], weight.shape[1], 1, 1))

    def _on_grid(self, maps: Tensor) -> Tensor:
        """[batch, classes, side, side] on the grid of 14 x 14 cells, with the same mean.

        A side that 14 does not divide is repeated until it does: 21 cells become 42, and these 14 of three each.
        """
        repeated = 1
        while maps.shape[-1] * repeated % self.grid:
            repeated += 1
        if repeated > 1:
            maps = maps.repeat_interleave(repeated, dim=2).repeat_interleave(repeated, dim=3)
        if maps.shape[-1] > self.grid:
            maps = functional.avg_pool2d(maps, maps.shape[-1] // self.grid)
        return maps
