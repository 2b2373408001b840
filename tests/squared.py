"""What a pool of processes can import and call."""


def squared(key: dict[str, int]) -> dict[str, int]:
    return {"value": key["seed"] ** 2}
