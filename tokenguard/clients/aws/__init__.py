"""AWS clients: Secrets Manager and STS over boto3, and single fields of external secrets."""
