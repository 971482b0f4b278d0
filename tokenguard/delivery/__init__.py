"""Deliveries: how a value reaches its consumers, such as a .env file, a command, a host or a person."""
