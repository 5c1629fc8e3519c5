"""A setting's file name is the index: what another room says of it stands in the file of the same name there."""

from importlib import import_module
from importlib.util import find_spec
from types import ModuleType

from .setting import Setting, check_setting

__all__ = ["module_in"]


def module_in(room: str, setting: Setting) -> ModuleType | None:
    """The module of `room`, a package's full name, that is named as the file of the setting's class; None if none is.

    A subclass defined elsewhere has the modules of its nearest parent in `ouanalysis.settings`.
    """
    check_setting(setting)
    home = __name__.rpartition(".")[0]
    for kind in type(setting).__mro__:
        package, _, name = kind.__module__.rpartition(".")
        if package == home and find_spec(f"{room}.{name}"):
            return import_module(f"{room}.{name}")
    return None
