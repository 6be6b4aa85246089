"""What engine, record, verifier and screens must agree on: each list, rule and formula once, on plain values.

Everything here is the standard library alone, so that every storey may import it and the stand-alone `verify.py` is
joined from it as it stands.
"""
