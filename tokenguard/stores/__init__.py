"""Where documents and values live: one package per kind of store, all behind `tokenguard.ports.store`."""
