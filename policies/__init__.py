"""What a stack must never do, checked by the engine before it does it."""
