"""reg of PyTorch modules: time beside BackPACK's, and memory, each measured in a process of its own.

``python -m benchmarks.regularizer_of_torch`` needs .[torch], backpack-for-pytorch, einops and unfoldnd, these without
what they depend on. One thread each; times are of the processor, the least of several that take turns.
"""

import os
import resource
import subprocess
import sys
import time
import types
import warnings

ROUNDS = 40
MEASURES = {
    "time": "MLP 32-256-256-1, n = 2000, reg",
    "module": "MLP, memory of the module's own forward pass",
    "reg": "MLP, memory of reg",
    "slope": "MLP, memory of its gradient",
    "cnn reg": "CNN of 10^6 parameters, n = 1000, reg",
    "cnn slope": "CNN, gradient of reg",
    "cnn gram": "CNN, gram",
}


def mlp(torch):
    nn = torch.nn
    torch.manual_seed(0)
    layers = nn.Linear(32, 256), nn.Tanh(), nn.Linear(256, 256), nn.Tanh(), nn.Linear(256, 1)
    return nn.Sequential(*layers).double(), torch.randn(2000, 32, dtype=torch.float64)


def cnn(torch):
    nn = torch.nn
    torch.manual_seed(0)
    layers = (
        *(nn.Conv2d(1, 16, 3, padding=1), nn.Tanh(), nn.MaxPool2d(2)),
        *(nn.Conv2d(16, 32, 3, padding=1), nn.Tanh(), nn.MaxPool2d(2)),
        *(nn.Flatten(), nn.Linear(32 * 49, 640), nn.Tanh(), nn.Linear(640, 1)),
    )
    return nn.Sequential(*layers).double(), torch.randn(1000, 1, 28, 28, dtype=torch.float64)


def peak():
    """MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def by_backpack(module, x):
    """The same number by BackPACK, which looks up torchvision's classes and needs none of them."""
    for name in ("torchvision", "torchvision.models", "torchvision.models.resnet"):
        stand_in = types.ModuleType(name)
        stand_in.__getattr__ = lambda _: type("Network", (), {})
        sys.modules.setdefault(name, stand_in)
    from backpack import backpack, extend
    from backpack.extensions import BatchL2Grad

    warnings.filterwarnings("ignore", message="Full backward hook is firing")
    extended = extend(module)

    def reg():
        extended.zero_grad()
        with backpack(BatchL2Grad()):
            extended(x).sum().backward()
        return float(sum(parameter.batch_l2.sum() for parameter in extended.parameters())) / len(x)

    return reg


def times(torch, ou):
    module, x = mlp(torch)
    setting = ou.Setting.from_torch(module, x, torch.zeros(len(x)))
    theta = setting.pack(module.state_dict())
    plain, _ = mlp(torch)

    def forward():
        with torch.no_grad():
            plain(x)

    ways = {
        "ouanalysis": lambda: float(ou.regularizer(setting, theta)),
        "BackPACK": by_backpack(module, x),
        "the forward pass": forward,
    }
    ways["ouanalysis"](), ways["BackPACK"]()
    least = dict.fromkeys(ways, float("inf"))
    for _ in range(ROUNDS):
        for name, way in ways.items():
            start = time.process_time()
            way()
            least[name] = min(least[name], 1e3 * (time.process_time() - start))
    shown = ", ".join(f"{name} {spent:.1f} ms" for name, spent in least.items())
    return f"{shown}; {least['BackPACK'] / least['ouanalysis']:.2f} times BackPACK's speed"


def memory_of_mlp(torch, ou, what):
    """Above what is in memory once everything has been loaded and run on three data."""
    module, x = mlp(torch)
    settings = [ou.Setting.from_torch(module, some, torch.zeros(len(some))) for some in (x[:3], x)]
    theta = settings[0].pack(module.state_dict())

    def run(data, setting):
        if what == "module":
            with torch.no_grad():
                module(data)
        elif what == "reg":
            ou.regularizer(setting, theta)
        else:
            ou.regularizer_gradient(setting, theta)

    run(x[:3], settings[0])
    before = peak()
    run(x, settings[1])
    return f"{peak() - before:.1f} MB"


def memory_of_cnn(torch, ou, what):
    """Above what importing PyTorch takes."""
    module, x = cnn(torch)
    setting = ou.Setting.from_torch(module, x, torch.zeros(len(x)))
    theta = setting.pack(module.state_dict())
    start = time.process_time()
    getattr(ou, {"reg": "regularizer", "slope": "regularizer_gradient", "gram": "gram"}[what])(setting, theta)
    return f"dim {setting.dim}, {time.process_time() - start:.1f} s, "


def measure(name):
    import torch

    torch.set_num_threads(1)
    base = peak()
    import ouanalysis as ou

    if name == "time":
        return times(torch, ou)
    if name.startswith("cnn"):
        return f"{memory_of_cnn(torch, ou, name.removeprefix('cnn '))}{peak() - base:.0f} MB"
    return memory_of_mlp(torch, ou, name)


def main():
    threads = {f"{library}_NUM_THREADS": "1" for library in ("OPENBLAS", "MKL", "OMP")}
    for name, title in MEASURES.items():
        command = [sys.executable, "-m", "benchmarks.regularizer_of_torch", name]
        done = subprocess.run(command, env=os.environ | threads, check=True, capture_output=True, text=True)
        print(f"{title}: {done.stdout.strip()}", flush=True)


if __name__ == "__main__":
    print(measure(sys.argv[1])) if len(sys.argv) > 1 else main()
