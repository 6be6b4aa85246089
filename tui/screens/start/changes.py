"""What a person changed in a form, in order, so that each change can be taken back."""

from __future__ import annotations


class Changes:
    """Keys with their new values, written as `--set` takes them."""

    def __init__(self) -> None:
        self._states: list[dict[str, str]] = [{}]

    @property
    def now(self) -> dict[str, str]:
        """The new value of every key that is changed."""
        return self._states[-1]

    @property
    def overrides(self) -> tuple[str, ...]:
        """The same for a command line."""
        return tuple(f"{key}={value}" for key, value in self.now.items())

    def with_one(self, key: str, value: str) -> tuple[str, ...]:
        """The overrides, were this key changed so as well."""
        return tuple(f"{known}={old}" for known, old in {**_without(self.now, key), key: value}.items())

    def change(self, key: str, value: str) -> None:
        """A value for a key; what was changed inside of it before is gone with it."""
        self._states.append({**_without(self.now, key), key: value})

    def restore(self, key: str) -> None:
        """The value of a key as it was before it was changed."""
        if key in self.now:
            self._states.append(_without(self.now, key))

    def undo(self) -> bool:
        """Takes the last change back; False where there is none."""
        if len(self._states) == 1:
            return False
        self._states.pop()
        return True

    def undo_all(self) -> bool:
        """Takes all changes back, which can be taken back like a change; False where there is none."""
        if not self.now:
            return False
        self._states.append({})
        return True


def _without(states: dict[str, str], key: str) -> dict[str, str]:
    return {known: value for known, value in states.items() if not f"{known}.".startswith(f"{key}.")}
