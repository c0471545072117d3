"""The Service Catalog portfolio, its products, and the roles that launch them."""
