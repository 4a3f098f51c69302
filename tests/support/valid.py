"""Whether a model is what its own validation would have made of it."""

from pydantic import BaseModel


def assert_valid(made: BaseModel) -> None:
    """For what `recado.schemas.base.unchecked` made: each field, at every depth, strictly."""
    again = type(made).model_validate(made.__dict__, strict=True)
    assert made == again
    assert list(made.__dict__) == list(again.__dict__)
    assert made.model_fields_set <= set(type(made).model_fields)
    for name, value in made.__dict__.items():
        assert type(value) is type(getattr(again, name)), name
        for one in value if isinstance(value, tuple) else (value,):
            if isinstance(one, BaseModel):
                assert_valid(one)
