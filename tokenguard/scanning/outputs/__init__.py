"""How a report is written down. No renderer can leak: a report holds no value."""
