"""Projects that people have made of the products: who has which version, and how they come to the newest."""
