"""The sandbox on ports: both services, and the interface that controls them."""
