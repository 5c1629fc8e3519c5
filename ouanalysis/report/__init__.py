"""The one page: what is claimed and what was found, the figures, the derivations, and where each formula is tested.

`python -m ouanalysis.report --out DIR` runs it all and writes one HTML file that opens from disk, without a network.
"""
