"""How a container without a network reaches single servers of its machine: a relay in two halves, joined by Unix sockets.

``outside`` runs on the machine. It opens one socket for each server, in a folder that is mounted into containers, and forwards its
connections to that server and nowhere else. ``inside`` runs in the container. It listens on the address that the server has on the
machine, ``127.0.0.1:8333``, and forwards to the socket. So addresses, signatures and Host headers are the same inside and outside.

Both halves need only the standard library: they start in a few milliseconds, in any image that has Python.
"""
