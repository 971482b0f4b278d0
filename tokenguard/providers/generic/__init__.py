"""A provider described by a YAML file: requests with placeholders, JSON pointers, or words for a person."""
