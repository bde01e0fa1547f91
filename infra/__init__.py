"""What exists: the Pulumi program."""
