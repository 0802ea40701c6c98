"""A Shopify store to test against: the Admin GraphQL API 2026-10, written from its contract."""
