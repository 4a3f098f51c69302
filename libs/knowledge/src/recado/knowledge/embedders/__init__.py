"""Embedders: text to vectors. Each stands behind its own extra; import it by its module.

`use` needs no key (extra `keyless`); `cached` puts a bounded cache of query vectors before any.
"""
