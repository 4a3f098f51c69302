"""What is looked up in integrations is made once for them, and anew for others."""

import gc
from collections.abc import Sequence

from recado.channels.contract import Integration
from recado.channels.lookups import MAX_KEPT, Lookups, by_secret, in_order, only
from recado.channels.whatsapp import WhatsAppIntegration


def names(integrations: Sequence[Integration]) -> list[str]:
    return [one.name for one in integrations]


def test_for_the_same_tuple_it_is_made_once(whatsapp: WhatsAppIntegration) -> None:
    lookups, given = Lookups(names), (whatsapp,)
    assert lookups.of(given) is lookups.of(given)


def test_a_list_is_looked_at_anew_for_it_may_have_changed(whatsapp: WhatsAppIntegration) -> None:
    lookups = Lookups(names)
    given: list[Integration] = [whatsapp]
    assert lookups.of(given) == ["wa"]
    given.append(whatsapp.model_copy(update={"name": "wb"}))
    assert lookups.of(given) == ["wa", "wb"]


def test_tuples_that_come_and_go_are_never_taken_for_one_another(
    whatsapp: WhatsAppIntegration,
) -> None:
    """Their addresses in memory are used again; and not all of them are kept."""
    lookups = Lookups(names)
    for number in range(5 * MAX_KEPT):
        given = (whatsapp.model_copy(update={"name": f"passing-{number}"}),)
        assert lookups.of(given) == [f"passing-{number}"]
        del given
    gc.collect()
    # By `type`: of a weak proxy that somebody else left `isinstance` asks what is gone.
    there = [one for one in gc.get_objects() if type(one) is WhatsAppIntegration]
    assert sum(one.name.startswith("passing-") for one in there) <= MAX_KEPT


def test_integrations_are_found_by_each_of_their_secrets(whatsapp: WhatsAppIntegration) -> None:
    second = whatsapp.model_copy(update={"name": "wb", "app_secrets": ()})
    third = whatsapp.model_copy(update={"name": "wc"})
    secrets = {"wa": [b"a", b"b", b"a"], "wb": [b"b"], "wc": [b"a", b"c"]}
    given = (whatsapp, second, third)
    found = by_secret(given, lambda one: secrets[one.name])
    assert found == {b"a": (whatsapp, third), b"b": (whatsapp, second), b"c": (third,)}
    assert in_order(given, [found[b"c"], found[b"b"]]) == given
    assert in_order(given, [found[b"a"]]) == (whatsapp, third)


def test_a_secret_that_all_have_gives_the_very_tuple_so_that_it_is_known_again(
    whatsapp: WhatsAppIntegration,
) -> None:
    given = (whatsapp, whatsapp.model_copy(update={"name": "wb"}))
    assert by_secret(given, lambda _: [b"s"])[b"s"] is given


def test_only_the_named_one_is_meant_where_one_is_named(whatsapp: WhatsAppIntegration) -> None:
    alone = (whatsapp,)
    both = (whatsapp, whatsapp.model_copy(update={"name": "wb"}))
    assert only(None, both) is both
    assert only(whatsapp, alone) is alone
    assert only(both[1], both) == (both[1],)
