import pytest

from reviews.templatetags.rounds import roughly


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (None, "–"),
        (5, "1 min"),
        (89, "1 min"),
        (286, "5 min"),
        (3540, "59 min"),
        (3600, "1 h"),
        (3 * 3600 + 19 * 60, "3 h 20 min"),
        (11 * 3600 + 50 * 60, "12 h"),
        (47 * 3600, "47 h"),
        (3.4 * 86400, "3 days"),
    ],
)
def test_an_estimate_is_written_in_few_words(seconds, words):
    assert roughly(seconds) == words
