"""Pictures that strangers send, read as far as their headers go: what they are, how large they are
and whether we take them. Pure, and never a decoder: how much a decoder would be made to do is known
before one sees a byte."""
