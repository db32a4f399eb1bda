"""Runs timm and segmentation-models-pytorch in a process of their own.

They import torchvision, which need not be there: stand-ins have every name that they
ask for. Networks of timm use none of them.
"""

import sys
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

import torch
from torch import nn


class _Anything(type):
    def __getattr__(cls, name):
        return f"{cls.__name__}.{name}"


class _Absent(MetaPathFinder, Loader):
    def find_spec(self, name, path, target=None):
        found = name.split(".")[0] == "torchvision"
        return ModuleSpec(name, self, is_package=True) if found else None

    def create_module(self, spec):
        module = ModuleType(spec.name)
        module.__getattr__ = self._stand_in
        return module

    @staticmethod
    def _stand_in(name):
        if name.startswith("__"):
            raise AttributeError(name)
        return _Anything(name, (nn.Module,), {})

    def exec_module(self, module):
        module.__path__ = []


def main(target: str) -> None:
    torch.manual_seed(0)
    torch.set_num_threads(1)
    sys.meta_path.append(_Absent())  # asked last, so the real one is found first
    import segmentation_models_pytorch as smp
    import timm

    # encoders of smp are made of torchvision's classes
    found = sys.modules.get("torchvision")
    absent = found is None or isinstance(found.__loader__, _Absent)
    networks = {}
    for name in ("resnet18", "resnet34", "resnet50"):
        networks[f"timm-{name}"] = timm.create_model(name, num_classes=3)
        for classes in (1, 4) if not absent else ():
            unet = smp.Unet(name, encoder_weights=None, classes=classes)
            networks[f"smp-{name}-{classes}"] = unet
    image = torch.rand(1, 3, 64, 64)
    for name, network in networks.items():
        for layer in network.modules():
            if isinstance(layer, nn.BatchNorm2d):
                nn.init.normal_(layer.running_mean, 0, 0.1)
                nn.init.uniform_(layer.running_var, 0.5, 1.5)
        with torch.inference_mode():
            output = network.eval()(image)
        torch.save({"state_dict": network.state_dict()}, f"{target}/{name}.pth")
        torch.save([image, output], f"{target}/{name}.out")


if __name__ == "__main__":
    main(sys.argv[1])
