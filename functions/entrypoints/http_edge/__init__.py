"""The public data plane's HTTP over the core, neutral of any platform. Standard library only."""
