"""Returns computed from macro series, with exposures known in advance: they check every method of the sample run."""

MATURITY_YEARS = 10
COUPONS_PER_YEAR = 2


def bond_return(old_yield: float, new_yield: float) -> float:
    """
    One-month total return of a par bond of ten years, bought at `old_yield` and repriced at `new_yield` (decimals).

    The coupon c = old_yield is paid semi-annually. One month later the k-th payment is k - 1/6 half-years away:
    return = sum_{k=1..20} (c/2) (1 + y/2)^-(k - 1/6) + (1 + y/2)^-(20 - 1/6) - 1, y = new_yield.
    """
    payments = MATURITY_YEARS * COUPONS_PER_YEAR
    elapsed = COUPONS_PER_YEAR / 12
    growth = 1 + new_yield / COUPONS_PER_YEAR
    coupon = old_yield / COUPONS_PER_YEAR
    coupons = sum(coupon * growth ** -(k - elapsed) for k in range(1, payments + 1))
    return coupons + growth ** -(payments - elapsed) - 1


def simple_return(old: float, new: float) -> float:
    return new / old - 1
