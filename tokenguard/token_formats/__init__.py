"""The formats of vendors' tokens: one table for scanning, masking, the detect-secrets plug-ins and exported rules."""
