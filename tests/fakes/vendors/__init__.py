"""Provider files held to what vendors publish: `make contracts SPECS=DIR` compares them with OpenAPI descriptions."""
