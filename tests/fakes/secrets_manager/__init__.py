"""A strict loopback Secrets Manager: what AWS documents, spoken to a real boto3 client."""
