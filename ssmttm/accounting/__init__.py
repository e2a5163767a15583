"""What models cost and what the paper claims, counted from the models themselves."""
