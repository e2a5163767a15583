"""Thread counts of the numeric libraries."""

import faiss
import torch


def set_threads(threads: int | None) -> None:
    """Bound torch and faiss to `threads` CPU threads; None leaves their own choice."""
    if threads is not None:
        torch.set_num_threads(threads)
        faiss.omp_set_num_threads(threads)
