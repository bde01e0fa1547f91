"""The only builders of the Cloudflare adapters: one module for each Worker, so that none imports
what another needs. What is built is kept for the life of the isolate."""
