"""What is asked of a node for each run: CPUs, GPUs, a device."""

from curriculum.errors import UsageError


def device_on_nodes(device: str, gpus: float) -> str:
    """The device of a run on a node, from the one that was asked for.

    Raises:
        UsageError: where that takes other GPUs than it is given.
    """
    if device == "auto":
        return "cuda" if gpus else "cpu"
    if device.startswith("cuda") and (not gpus or device != "cuda"):
        raise UsageError(
            f"a run by Ray sees the GPUs that it is given, got the device {device!r} and {gpus:g} "
            f"GPUs; leave --device out, and ask for them with --gpus"
        )
    return device


def check_amounts(cpus: float, gpus: float) -> None:
    """Check what is asked for each run.

    Raises:
        UsageError: where it means nothing.
    """
    if not cpus > 0:
        raise UsageError(f"cpus must be above 0, got {cpus:g}")
    if not gpus >= 0 or (gpus > 1 and gpus != int(gpus)):
        raise UsageError(
            f"gpus must be a whole number, or the part of one that a run takes, got {gpus:g}"
        )
