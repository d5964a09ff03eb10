"""The rules of scripts/lint: each takes a Project and yields Findings."""
