"""Customers and their other ids: found by any of them, whatever comes first."""

from datetime import timedelta
from itertools import permutations

from recado.dispatcher.ports import Name
from recado.schemas.content import Change, Content, SystemChange
from recado.schemas.conversations import User
from recado.schemas.events import MessageReceived
from recado.schemas.webhooks import MessageKind, PlatformError
from support.dispatching import NOW, World, answer, message
from support.memory_documents import MemoryDocuments

NUMBER, NEW_NUMBER, USER_ID = "5491100000001", "5491100000009", "AR.1349"


def changed(change: Change, old: str, new: str, user: User, number: int = 50) -> MessageReceived:
    """The platform says that the customer has another number or id now."""
    return message(
        number,
        kind=MessageKind.SYSTEM,
        text=None,
        user=user,
        occurred_at=NOW,
        content=Content(system=SystemChange(change=change, old=old, new=new)),
    )


async def found(world: World, one: str) -> set[str]:
    """The customers who have this id."""
    by_alias = await world.documents.find_all(Name.USERS, "aliases", [one])
    by_id = await world.documents.find_all(Name.USERS, "user_id", [one])
    return {str(row["user_id"]) for row in (*by_alias, *by_id)}


async def test_somebody_named_by_a_user_id_is_found_by_their_number_too() -> None:
    """The user id is the identity, the number an alias."""
    world = World()
    await world.take(message(1, user=User(id=USER_ID, name="Ana", aliases=(NUMBER,))))
    assert await found(world, NUMBER) == {USER_ID} == await found(world, USER_ID)


async def test_a_new_number_of_somebody_with_a_user_id_is_one_more_alias() -> None:
    """Nobody else comes to be by it, and the name stays."""
    world = World()
    ana = User(id=USER_ID, name="Ana", aliases=(NUMBER,))
    await world.take(message(1, user=ana))
    await world.take(changed(Change.NUMBER_CHANGED, NUMBER, NEW_NUMBER, User(id=USER_ID)))
    for one in (NUMBER, NEW_NUMBER, USER_ID):
        assert await found(world, one) == {USER_ID}
    assert (await world.row(Name.USERS, f"whatsapp:wa:{USER_ID}"))["name"] == "Ana"


async def test_whoever_has_a_new_identity_is_found_by_either_whatever_comes_first() -> None:
    """Before, the change, after: in any order, both know of each other and which is the old one."""
    events = (
        message(1, user=User(id=NUMBER, name="Ana")),
        changed(Change.NUMBER_CHANGED, NUMBER, USER_ID, User(id=NUMBER)),
        message(2, user=User(id=USER_ID, name="Ana M", aliases=(NUMBER,)), occurred_at=NOW),
    )
    ends = []
    for order in permutations(events):
        world = World()
        await world.take(*order)
        await world.take(*order)
        assert isinstance(world.documents, MemoryDocuments)
        ends.append(world.documents.rows[Name.USERS])
        assert await found(world, NUMBER) == {NUMBER, USER_ID} == await found(world, USER_ID)
        old = await world.row(Name.USERS, f"whatsapp:wa:{NUMBER}")
        assert (old["name"], old["replaced_by"]) == ("Ana", f"whatsapp:wa:{USER_ID}")
    assert all(_sets(end) == _sets(ends[0]) for end in ends)


def _sets(rows: dict[str, dict[str, object]]) -> object:
    """Aliases are a set."""
    return {
        row_id: sorted(row.items(), key=repr)
        for row_id, row in (
            (row_id, {**row, "aliases": sorted(map(str, _list(row["aliases"])))})
            for row_id, row in rows.items()
        )
    }


def _list(value: object) -> list[object]:
    assert isinstance(value, list)
    return value


async def test_a_user_id_that_changes_names_one_person_twice() -> None:
    """As Meta tells it: the message comes from the new id."""
    world = World()
    await world.take(changed(Change.USER_ID_CHANGED, USER_ID, "AR.77", User(id="AR.77")))
    assert (await world.row(Name.USERS, f"whatsapp:wa:{USER_ID}"))["aliases"] == ["AR.77"]
    assert (await world.row(Name.USERS, "whatsapp:wa:AR.77"))["aliases"] == [USER_ID]


async def test_a_row_holds_what_the_customer_sent_besides_words() -> None:
    """Content, where it stands, and why something of it is not there."""
    world = World()
    form = {"a.b": 1, "$where": "x", "big": 2**70}
    event = message(
        1,
        kind=MessageKind.INTERACTIVE,
        content=Content.model_validate({"choice": {"source": "nfm_reply", "form": form}}),
        errors=(PlatformError(code=131051, title="Unsupported"),),
    )
    await world.take(event)
    row = await world.row(Name.MESSAGES, event.id)
    content = row["content"]
    assert isinstance(content, dict)
    assert content["choice"]["form"] == '{"a.b":1,"$where":"x","big":1180591620717411303424}'
    assert row["errors"] == [{"code": 131051, "title": "Unsupported", "message": None}]


async def test_an_answers_row_says_which_message_it_replies_to() -> None:
    """By the platform's id, as the customer sees it quoted."""
    world = World()
    await world.take(answer(1))
    assert (await world.row(Name.MESSAGES, answer(1).id))["quoted_message_id"] == "1"
    assert (await world.conversation())["last_activity_at"] > NOW - timedelta(hours=1)  # type: ignore[operator]  # a document's time
