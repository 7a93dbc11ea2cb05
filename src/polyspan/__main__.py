"""`python -m polyspan`, as `accelerate launch --module polyspan train …` needs it."""

from polyspan.cli.main import main

if __name__ == "__main__":
    main()
