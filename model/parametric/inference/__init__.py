"""Proofs for any number: finding invariants, discharging obligations, certificates."""
