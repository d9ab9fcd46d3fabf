"""What `doctor` finds wrong, or worth knowing, and its exit code: facts in, findings out."""
