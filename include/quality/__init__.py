"""Expectation suites as data, the runner that judges windows by them, and their reports."""
