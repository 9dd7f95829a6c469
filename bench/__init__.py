"""What the gateway costs: `make bench`. The product does not know it."""
