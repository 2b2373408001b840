"""The table of what searches over curricula found."""

from typing import Any

from search_table import curricula_found


def evaluation(mean: float, *, reached: int = 2) -> dict[str, Any]:
    return {"mean": mean, "reached": reached, "seeds": {"100": {}, "101": {}}}


def ratio(
    least: float, most: float | None, low: float | None, high: float | None
) -> dict[str, Any]:
    return {"least": least, "most": most, "low": low, "high": high, "count": 2, "p_value": 0.5}


def test_each_search_shows_the_best_and_how_much_cheaper_it_is() -> None:
    gated = evaluation(2e10) | {"ratio": ratio(2.0, 2.0, 1.5, 3.0), "best_is": "better"}
    direct = evaluation(5e11, reached=1) | {
        "ratio": ratio(34.0, None, 22.0, None),
        "best_is": "better",
    }
    guess = evaluation(9e11, reached=0) | {"ratio": ratio(5.0, None, None, None), "best_is": None}
    search = {
        "experiment": "lstm",
        "best": {"trial": 1, "command": "python -m curriculum run lstm --growth.end.length 23"},
        "trials": [
            {"number": 0, "settings": {"growth.factor": 2.0}},
            {"number": 1, "settings": {"growth.factor": 1.8738, "sampling": "look_back"}},
        ],
        "confirmation": {
            "best": evaluation(1e10),
            "others": {"gated": gated, "direct": direct, "guess": guess},
        },
    }
    assert curricula_found([search]).splitlines()[2:] == [
        "| **`lstm` to 23** | best found: growth.factor 1.87, sampling look_back | 2 of 2 | 1.0e10 |  |",
        "|  | `gated` | 2 of 2 | 2.0e10 | 2.0 × cheaper (1.5–3.0): better |",
        "|  | `direct` | 1 of 2 | ≥ 5.0e11 | at least 34 × cheaper (≥ 22): better |",
        "|  | `guess` | 0 of 2 | ≥ 9.0e11 | at least 5.0 × cheaper: no verdict |",
    ]
