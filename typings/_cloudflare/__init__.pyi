"""What the runtime puts around the import of a Worker (local/workerd/worker/python)."""
