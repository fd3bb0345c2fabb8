"""Mutation tests of the science: does some test fail for every small change of the code?"""
