"""`trustsvc`, and `python -m trustsvc` for children that must run with the same Python."""

import gc

from trustsvc import init_process


def main() -> None:
    """Run the command line; as process 1 of a container, in a child of it."""
    init_process.leave_process_one()
    # A quarter of the start-up is the collector's, which finds no garbage in imported modules.
    gc.disable()
    from trustsvc import cli

    cli.main()


if __name__ == "__main__":
    main()
