"""Organisations, their staff, and what staff may do: reference content that belongs to no slice."""
