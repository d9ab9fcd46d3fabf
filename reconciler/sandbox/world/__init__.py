"""A simulated shop, generated from a seed: products, orders, and the life of each return."""
