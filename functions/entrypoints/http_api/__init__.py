"""The control plane's HTTP: FastAPI over the core, neutral of any platform.

`application.application` is the whole of it as an ASGI application; who runs it gives it
`Services`. Everything is asynchronous: the Workers runtime has no threads, so a synchronous
endpoint or dependency would not run there.
"""
