"""What a measure is, as it is typed."""

import pytest

from curriculum import UsageError
from curriculum.plan import Measure


@pytest.mark.parametrize(
    ("text", "metric", "length"),
    [
        ("loss@512", "loss", 512),
        ("exact_match@20", "exact_match", 20),
        ("bits_per_byte@1,024", "bits_per_byte", 1024),
        ("perplexity@1_024", "perplexity", 1024),
        (" loss @ 8 ", "loss", 8),
        ("top5@3", "top5", 3),
    ],
)
def test_a_measure_is_a_metric_at_a_length(text: str, metric: str, length: int) -> None:
    found = Measure.parse(text)
    assert found == Measure(metric, length)
    assert Measure.parse(str(found)) == found


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("loss", "; give the length too, as loss@512"),
        ("loss512", "; did you mean loss@512?"),
        ("loss-512", "; did you mean loss@512?"),
        ("loss:512", "; did you mean loss@512?"),
        ("loss at 512", "; did you mean loss@512?"),
        ("512@loss", "; did you mean loss@512?"),
        ("loss@", ""),
        ("@512", ""),
        ("loss@0", ""),
        ("loss@-3", ""),
        ("loss@5.5", ""),
        ("loss@512@3", ""),
        ("loss@,", ""),
        ("", ""),
    ],
)
def test_what_is_no_measure_is_a_sentence_that_says_what_was_meant(text: str, meant: str) -> None:
    with pytest.raises(UsageError) as caught:
        Measure.parse(text)
    expected = f"a measure is a metric at a length, such as loss@512, got {text!r}{meant}"
    assert str(caught.value) == expected
