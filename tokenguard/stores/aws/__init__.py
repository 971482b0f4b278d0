"""The AWS Secrets Manager store: one secret per token, with staging labels for compare-and-set."""
