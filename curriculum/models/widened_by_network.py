"""Settings whose network says itself how it continues a smaller one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import nn

    from curriculum.learn import Placement


class WidenedByNetwork:
    """What the settings of a widenable model have in common; its network has `placements_from`."""

    __slots__ = ()

    def check_widened(self, hidden_size: int) -> None:
        """Any larger size will do."""

    def placements(self, small: nn.Module, large: nn.Module) -> Mapping[str, Placement]:
        network: Any = large
        found: Mapping[str, Placement] = network.placements_from(small)
        return found
