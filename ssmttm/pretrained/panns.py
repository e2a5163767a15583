"""Cnn14 of PANNs (Kong et al. 2020) in torch, with weights under the names of its published checkpoints."""

import torch
import torch.nn.functional as F
from torch import nn

WIDTHS = (64, 128, 256, 512, 1024, 2048)
RATES = {256: (8000, 80), 512: (16000, 160), 1024: (32000, 320)}
"""FFT size of each published network: its sample rate in Hz and its hop in samples."""
_FLOOR = 1e-10


class _Block(nn.Module):
    def __init__(self, inputs: int, width: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, width, 3, padding=1, bias=False)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.bn1, self.bn2 = nn.BatchNorm2d(width), nn.BatchNorm2d(width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return F.relu(self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x))))))


class Cnn14(nn.Module):
    """Waves to an embedding and class logits of the whole clip.

    The mel filters are weights of the checkpoint, so the network's own sample rate follows from them.
    """

    mel: torch.Tensor
    window: torch.Tensor

    def __init__(self, fft: int, bands: int, widths: tuple[int, ...], dim: int, classes: int) -> None:
        super().__init__()
        self.fft, (self.sample_rate, self.hop) = fft, RATES[fft]
        self.register_buffer("mel", torch.zeros(fft // 2 + 1, bands))
        self.register_buffer("window", torch.hann_window(fft), persistent=False)
        self.bn0 = nn.BatchNorm2d(bands)
        for i, (a, b) in enumerate(zip((1, *widths[:-1]), widths), 1):
            self.add_module(f"conv_block{i}", _Block(a, b))
        self.fc1 = nn.Linear(widths[-1], dim)
        self.fc_audioset = nn.Linear(dim, classes)

    @property
    def least(self) -> int:
        """Samples of the shortest clip: 32 frames, which five poolings by 2 leave one of."""
        return 31 * self.hop

    def forward(self, waves: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """[clips, samples] -> embeddings [clips, dim] and logits [clips, classes]."""
        spectrum = torch.stft(
            waves, self.fft, self.hop, window=self.window, center=True, pad_mode="reflect", return_complex=True
        )
        power = spectrum.real.square() + spectrum.imag.square()
        x = 10 * torch.log10((power.transpose(1, 2) @ self.mel).clamp(min=_FLOOR))
        x = self.bn0(x[:, None].transpose(1, 3)).transpose(1, 3)
        for i in range(1, 7):
            x = getattr(self, f"conv_block{i}")(x)
            x = F.avg_pool2d(x, 2) if i < 6 else x
        x = x.mean(3)
        embedding = F.relu(self.fc1(x.amax(2) + x.mean(2)))
        return embedding, self.fc_audioset(embedding)


def lay_out(state: dict[str, torch.Tensor]) -> tuple[Cnn14, dict[str, torch.Tensor]]:
    """A network of the shapes of the checkpoint `state`, and its tensors under this network's names.

    Raises KeyError when layers lack or the filters are those of no published rate.
    """
    mel = state["logmel_extractor.melW"]
    widths = tuple(len(state[f"conv_block{i}.conv1.weight"]) for i in range(1, 7))
    classes, dim = state["fc_audioset.weight"].shape
    network = Cnn14(2 * (len(mel) - 1), mel.shape[1], widths, dim, classes)
    own = {name: tensor for name, tensor in state.items() if not name.startswith(("spectrogram_", "logmel_"))}
    return network, own | {"mel": mel}
