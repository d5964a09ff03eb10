"""Builds OCI images from recipes: recipe (what), steps (file trees), layer (tar), archive (OCI)."""
