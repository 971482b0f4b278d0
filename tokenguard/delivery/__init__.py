"""How a value reaches its users: a line in a .env file, a command of the runner's own, or a person."""
