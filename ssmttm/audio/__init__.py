"""Audio as arrays, as files of any origin, and what can be measured on it."""
