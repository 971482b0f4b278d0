"""AWS: Secrets Manager and STS over boto3, and single fields of secrets that others keep there."""
