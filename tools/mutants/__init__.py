"""Mutation tests of the science: some test should fail for every small change of the code."""
