"""Development tools that record what other frameworks compute, for the parity tests."""
