"""A shop whose days go by: products, orders, and the life of each return, from a seed."""
