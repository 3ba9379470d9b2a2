"""Antimony text: its words, its limits, and its reading by libAntimony and libSBML, in a child process where needed.

Nothing here knows what a model is for; the child process imports this folder alone, so that it starts quickly.
"""
