"""Criteria of response, nodes, toxicity, lysis and flare, and who keeps the record of them."""
