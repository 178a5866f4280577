"""Proofs that anybody can run: canary, dictionary, drill, oracle."""
