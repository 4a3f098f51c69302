"""`recado topics`: the topics of the contract, as they should be."""

from typing import Annotated

import typer
from aiokafka.errors import KafkaError
from rich.text import Text

from recado.cli.output import AsJson, CliError, print_json, print_table, run
from recado.cli.settings import CliSettings
from recado.servicekit.settings import KafkaSettings
from recado.servicekit.topics import Applied, Change, TopicsError, apply

app = typer.Typer(help="The topics that events travel on.", no_args_is_help=True)

COLOURS = {Change.CREATED: "green", Change.UPDATED: "yellow", Change.UNCHANGED: "dim"}


@app.callback()
def _topics() -> None:
    """The topics that events travel on."""


@app.command("apply")
def apply_topics(
    replication_factor: Annotated[
        int | None,
        typer.Option(min=1, help="Copies of each partition; default: one a broker, at most 3."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Create missing topics, update settings that differ, never change a partition count."""
    applied = run(bring_up_to_date(CliSettings(), replication_factor=replication_factor))
    if as_json:
        print_json(
            [
                {
                    "topic": one.topic.name,
                    "change": one.change.value,
                    "partitions": one.topic.partitions,
                    "settings": dict(one.settings),
                }
                for one in applied
            ]
        )
        return
    print_table(
        "Topics",
        ("topic", "partitions", "change", "settings"),
        [
            (
                one.topic.name,
                str(one.topic.partitions),
                Text(one.change.value, style=COLOURS[one.change]),
                ", ".join(f"{key}={value}" for key, value in one.settings),
            )
            for one in applied
        ],
    )


async def bring_up_to_date(
    settings: KafkaSettings, *, replication_factor: int | None = None
) -> list[Applied]:
    """As `apply`. Raises `CliError` with what keeps the topics from being as they should."""
    try:
        return await apply(settings, replication_factor=replication_factor)
    except TopicsError as error:
        raise CliError(str(error)) from error
    except KafkaError as error:
        raise CliError(f"Kafka can't be reached: {type(error).__name__}") from error
