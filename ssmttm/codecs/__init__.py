"""Audio codecs: waveform to discrete codes and back."""
