"""AWS Secrets Manager as a store: one secret per token, staging labels as the compare-and-set."""
