"""Trained models as folders that stand by themselves, with a card that says what they are of."""
