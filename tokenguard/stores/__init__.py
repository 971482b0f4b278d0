"""Store adapters: one package per kind of store, all implementing `tokenguard.ports.store`."""
