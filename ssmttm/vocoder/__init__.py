"""From log-mel frames to audio: a small network with an inverse-STFT head, how it is trained, and its file."""

GRIFFIN_LIM = "griffin_lim"
"""`generation.vocoder` for no network at all."""
SHIPPED = "shipped"
"""`generation.vocoder` for the network that comes with the package."""
