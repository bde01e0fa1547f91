"""The Cloudflare wing: one component a file."""
