"""Embedders: text to vectors. Each stands behind its own extra; import it by its module.

`use` needs no key (extra `keyless`), `gemini` asks the Gemini API (extra `gemini`); `cached` puts a
bounded cache of query vectors before any.
"""
