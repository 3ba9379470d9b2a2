"""Puts this folder on the path, so that tests of several areas share `synthetic`."""
