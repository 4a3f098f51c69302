"""Names of platforms as labels: the first of them, then one word for all."""

from recado.ingress.counting import REMAINDER, BoundedNames


def test_so_many_names_are_handed_out_and_no_more() -> None:
    names = BoundedNames(2)
    assert [names.name(one) for one in ("poll", "dice", "gift", "poll")] == [
        "poll",
        "dice",
        REMAINDER,
        "poll",
    ]


def test_what_is_no_name_is_not_shown() -> None:
    """It may be anything, a customer's words among it."""
    names = BoundedNames(10)
    for written in ("", "dos palabras", "9", "ñandú", "a" * 65, 'x"} 1'):
        assert names.name(written) == REMAINDER
    assert names.name("a" * 64) == "a" * 64
