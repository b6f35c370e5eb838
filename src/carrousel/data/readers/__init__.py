"""One file for each kind of source. A file put here is found by itself; its reader names what it reads."""
