"""essentia's algorithms, without the log that its import writes."""

import essentia

essentia.log.infoActive = False
essentia.log.warningActive = False
from essentia import standard  # noqa: E402  its import logs, so that must be off before

__all__ = ["standard"]
