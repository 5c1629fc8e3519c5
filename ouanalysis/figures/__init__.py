"""What is drawn: each public module here is a figure with ``draw(result) -> matplotlib.figure.Figure``.

The result comes from the module of the same name in `ouanalysis.experiments`. `python -m ouanalysis.figures`
draws them all.
"""

from ._listing import LONG, NAMES, FileFormat, drawn, save, summary

__all__ = ["LONG", "NAMES", "FileFormat", "drawn", "save", "summary"]
