"""Where the program begins: `aiconform`, `kubectl aiconform`, `python -m aiconform`."""

import gc


def main() -> None:
    """Runs the program; never returns."""
    # Imports make no garbage, and looking for it would take a fifth of their time.
    gc.disable()
    from aiconform.cli.main import main as program

    program()


if __name__ == "__main__":
    main()
