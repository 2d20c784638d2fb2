"""What each role may do."""

ROLES = ("viewer", "officer", "focal_point", "administrator")  # each may do what the ones before it may
