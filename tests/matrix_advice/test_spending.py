from __future__ import annotations

import pytest

from harness.campaign.forecast_totals import ForecastInterval, Total
from harness.errors import UserError
from harness.matrix_advice.spending import DEFAULT, spending


@pytest.mark.parametrize(
    ("text", "wall_s", "usd"),
    [
        ("90 s", 90, None),
        ("3 minutes", 180, None),
        ("1.5h", 5400, None),
        (" 2  Hours ", 7200, None),
        ("1 day", 86400, None),
        ("$5", None, 5),
        ("0.50 USD", None, 0.5),
        (DEFAULT, 900, None),
    ],
)
def test_times_and_dollars_are_understood_as_people_write_them(
    text: str, wall_s: float | None, usd: float | None
) -> None:
    assert (spending(text).wall_s, spending(text).usd) == (wall_s, usd)


@pytest.mark.parametrize("text", ["", "5", "minutes", "0 s", "-3 minutes", "$5 USD", "3 weeks", "1e3 s", "nan h"])
def test_what_is_no_time_and_no_amount_is_refused_with_examples(text: str) -> None:
    with pytest.raises(UserError, match=r"^--budget .*such as '15 minutes', '2 hours' or '\$5'$"):
        spending(text)


def test_a_share_is_of_what_is_limited() -> None:
    def sure(mean: float) -> ForecastInterval:
        return ForecastInterval(mean=mean, low=None, high=None)

    total = Total(wall_s=sure(90), device_s=sure(10), cost_usd=sure(1))

    assert spending("3 minutes").share_of(total) == 0.5
    assert spending("$4").share_of(total) == 0.25
    assert spending("$4").share_of(Total(wall_s=sure(90), device_s=None, cost_usd=None)) is None
