"""Who does the work: what an executor must be, and what can reach one."""

import pickle
from concurrent.futures import Executor, ProcessPoolExecutor

from .plan import Plan

__all__ = ["check_executor"]


def check_executor(executor: Executor | None, plan: Plan) -> None:
    """A TypeError if it is no executor, or if it has other processes and a part of the plan cannot go there."""
    if executor is None:
        return
    if not isinstance(executor, Executor):
        raise TypeError(f"executor: expected a concurrent.futures.Executor, got {executor!r}")
    if not isinstance(executor, ProcessPoolExecutor):  # others may pickle by other means
        return
    parts: dict[str, object] = {"setting": plan.setting, "noise": plan.noise, **plan.schedule.changing}
    parts |= {f"observe[{name!r}]": function for name, function in plan.observe.items()}
    for name, part in parts.items():
        try:
            pickle.dumps(part)
        except Exception as error:
            reason = " ".join(str(error).split())
            message = (
                f"{name}: expected what can be pickled, for the processes of the executor, got {part!r} ({reason})"
            )
            raise TypeError(message) from error
