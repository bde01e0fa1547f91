"""What the adapter and the tests use of Pillow (13). Its own types mention NumPy, which it does not
need and we do not have."""
