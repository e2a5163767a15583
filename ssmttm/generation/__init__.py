"""Sampling from a trained model, with recurrent state or cache."""
