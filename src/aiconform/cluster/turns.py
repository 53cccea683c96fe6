"""What an attempt holds beside the other attempts of its run, while it goes on."""

from collections.abc import Iterable


class Turn:
    """An attempt that runs alone: it waits for nobody, and nobody for it."""

    async def come(self) -> None:
        """Returns when what the attempt needs `late` is not in use any more; from then on it holds it."""

    def has(self, name: str) -> bool:
        """Whether it may choose what is `spare`: no attempt that goes before it uses it."""
        del name
        return True

    def free(self, names: Iterable[str] | None = None) -> None:
        """Gives these back, or all that the attempt holds and shares. Twice is once."""
