"""Who issues tokens: one module per brand, one declarative kind for all others, and a manual one."""
