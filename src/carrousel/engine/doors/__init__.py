"""The three ways by which torch comes to kernels: eager autograd, traced graphs, and transformations."""
