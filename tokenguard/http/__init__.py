"""The one outgoing HTTP client: outcomes as values, no redirects, no retries, nothing from the environment."""
