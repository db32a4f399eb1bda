"""Results are kept while the argument is the same object, and no longer."""

from app.state.trials import remember_last


def test_the_same_object_is_computed_once():
    calls = []

    @remember_last
    def total(values):
        """Add."""
        calls.append(values)
        return sum(values)

    one, alike = (1, 2, 3), tuple(range(1, 4))
    assert [total(one), total(one), total(alike), total((4,)), total(one)] == [
        *(6, 6, 6, 4, 6)
    ]
    assert calls == [one, alike, (4,), one]
    assert total.__doc__ == "Add."
