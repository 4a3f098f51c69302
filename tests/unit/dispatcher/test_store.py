"""MongoDB's errors: what passes is waited for, a mistake of ours is not."""

import pytest
from pymongo.errors import BulkWriteError, NetworkTimeout, OperationFailure, PyMongoError

from recado.dispatcher.errors import StoreUnavailable
from recado.dispatcher.store import DUPLICATE_KEY, unavailable


def bulk(**told: object) -> BulkWriteError:
    """What the driver raises of a bulk."""
    return BulkWriteError({"writeErrors": [], "writeConcernErrors": [], **told})


UNAUTHORIZED, AUTHENTICATION_FAILED, DISK_FULL, STEPPED_DOWN = 13, 18, 14031, 189
BAD_VALUE = 2


@pytest.mark.parametrize(
    "failure",
    [
        NetworkTimeout("away"),
        OperationFailure("away", STEPPED_DOWN),
        OperationFailure("the password was changed", AUTHENTICATION_FAILED),
        OperationFailure("the rights were taken", UNAUTHORIZED),
        OperationFailure("the disk is full", DISK_FULL),
        bulk(writeConcernErrors=[{"code": 64}]),
        bulk(writeConcernErrors=[{"code": 64}], writeErrors=[{"index": 0, "code": DUPLICATE_KEY}]),
    ],
)
def test_what_an_operator_or_time_mends_is_waited_for(failure: PyMongoError) -> None:
    """No record is to blame for it, so none may become a dead letter."""
    with pytest.raises(StoreUnavailable), unavailable():
        raise failure


def test_a_mistake_of_ours_is_not_waited_for() -> None:
    """It would be waited for without end."""
    with pytest.raises(OperationFailure), unavailable():
        raise OperationFailure("no such operator", BAD_VALUE)
    with pytest.raises(BulkWriteError), unavailable():
        raise bulk(writeErrors=[{"index": 0, "code": BAD_VALUE}])
