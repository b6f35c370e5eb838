"""Compiled code: LLVM's text, its operations and functions, its compiler and cache, and threads. It knows no cell."""
