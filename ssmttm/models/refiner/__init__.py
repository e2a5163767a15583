"""The second stage: latents of the codec's levels 2 to K, made from the codes of level 1 and the caption."""
