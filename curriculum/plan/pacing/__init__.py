"""When the frontier moves."""
