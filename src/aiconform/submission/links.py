"""What following a submission's links has shown, as remarks. Pure."""

from collections.abc import Iterator, Mapping

from aiconform.submission.checker import Checked
from aiconform.submission.follow import Answer
from aiconform.submission.remark import Remark, error, warning


def remarks(checked: Checked, answers: Mapping[str, Answer]) -> Iterator[Remark]:
    """One for each link that is not alive."""
    for link in checked.links:
        answer = answers[link.url]
        said = f"{link.what}: {link.url} {answer.said}"
        if answer.state == "refused":
            wall = f"{said}, which is often a wall against programs; the gate meets it, too"
            yield error(
                "link-refused", wall, "let the gate's user agent pass, or link an open page", link.mark, link.row
            )
        elif answer.state == "busy":
            busy = f"{said}, still after some tries; versions of the gate differ about it"
            yield warning("link-busy", busy, "look at the page in a browser and check again", link.mark, link.row)
        elif answer.state != "alive":
            yield error("link-dead", said, "mend the address or link another page", link.mark, link.row)
