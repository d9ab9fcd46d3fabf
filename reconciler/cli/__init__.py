"""The command line: options in, exit code out; the only place that prints."""


def main() -> None:
    """The console script."""
