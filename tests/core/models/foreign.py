"""Networks of other libraries as tests need them."""

import torch
from torch import nn


def randomise(network, seed=0):
    """Give a network weights and statistics that no two layers share; returns it."""
    torch.manual_seed(seed)
    for layer in network.modules():
        if isinstance(layer, nn.BatchNorm2d) and layer.running_mean is not None:
            nn.init.normal_(layer.running_mean, 0, 0.1)
            nn.init.uniform_(layer.running_var, 0.5, 1.5)
    return network.eval()


def save_state(network, path, key="state_dict"):
    """Save the weights of a network as a checkpoint."""
    torch.save({key: network.state_dict()}, path)
