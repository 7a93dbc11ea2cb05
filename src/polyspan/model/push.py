"""A Reader by its name put on the Hugging Face hub."""

from polyspan.data.push import Pushed
from polyspan.errors import UsageError
from polyspan.files import Source
from polyspan.model.card.upload import upload
from polyspan.model.encoders.model_name import ADAPTER, DIFFERENCE, folder_with, model_folder
from polyspan.model.reader import Reader


def push(reader: Source, repo: str, *, private: bool = False) -> Pushed:
    """Put a saved Reader, a folder or `bundled:reader`, into the repository `repo` (`OWNER/NAME`) of the hub, from
    where `Reader.load("OWNER/NAME@COMMIT")` has it.

    What is kept beside its base, an adapter or a difference, goes there whole. Raises UsageError for what is no
    Reader here, and as `Reader.push_to_hub`.
    """
    name = str(reader)
    folder = model_folder(name)
    if folder is None:
        expected = "a Reader's folder, or bundled:reader"
        raise UsageError(
            f"{name} is no Reader on this machine", expected=expected, fix="train one, or save it here"
        )
    if any(folder_with(file, name) for file in (ADAPTER, DIFFERENCE)):
        return Reader.load(name).push_to_hub(repo, private=private)
    return upload(folder, repo, private=private)
