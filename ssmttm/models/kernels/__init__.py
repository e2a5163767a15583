"""The recurrences of the mixers: the truth as plain tensor operations, and compiled loops."""
