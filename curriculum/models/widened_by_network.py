"""Settings whose network says itself how it continues a smaller one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from curriculum.errors import UsageError

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


class WidenedByCopies(WidenedByNetwork):
    """The same, where each unit is copied a whole number of times; see `models.copied_units`."""

    __slots__ = ()

    hidden_size: int

    def check_widened(self, hidden_size: int) -> None:
        if hidden_size % self.hidden_size:
            raise UsageError(
                f"{type(self).__name__} is widened by whole copies of its units: to a multiple of "
                f"{self.hidden_size}, got {hidden_size}"
            )
