"""Blinded listening tests: their design, page, server, and what the answers say."""
