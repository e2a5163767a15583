"""Budgets, data order and the only training loop."""
