"""Notifications: what people must be told of a store, the outbox that remembers it, and the channels that carry it."""
