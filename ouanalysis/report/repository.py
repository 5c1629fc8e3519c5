"""What the page takes from the source's folders, which an installed package does not have."""

from pathlib import Path

__all__ = ["ROOT", "text"]

ROOT = Path(__file__).parents[2]


def text(name: str, root: Path = ROOT) -> str:
    """What a file of the repository says; nothing where there is none."""
    file = root / name
    return file.read_text(encoding="utf-8") if file.is_file() else ""
