"""The recurrences of the mixers: the truth as plain tensor operations, compiled loops, and kernels of a GPU."""
