"""Our own hardened sessions with outside services, shared by the layers above."""
