"""Stage augment: operations by family, and recipes that join them."""
