"""Small pretrained networks that registries ship, run in torch."""
