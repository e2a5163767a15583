"""Models and data sets on the Hugging Face Hub: read from there by name, and put there as folders."""

from pathlib import Path
from typing import Any

from huggingface_hub import HfApi, PyTorchModelHubMixin, hf_hub_download
from huggingface_hub.errors import HfHubHTTPError, OfflineModeIsEnabled

from ssmttm.errors import UserError
from ssmttm.models import checkpoint, lm
from ssmttm.models.config import ModelConfig
from ssmttm.publishing.folder import MODEL
from ssmttm.tensors import save_tensors
from ssmttm.wording import one_line


class MusicLM(
    lm.MusicLM,
    PyTorchModelHubMixin,
    library_name="ssmttm",
    pipeline_tag="text-to-audio",
    tags=["music", "text-to-music"],
):
    """The language model as other tools of the Hub expect it: `from_pretrained`, `save_pretrained`, `push_to_hub`.

    `from_pretrained` takes a folder of `ssmttm model export`, or a repository on the Hub that holds one. It gives the
    first stage alone; `ssmttm generate` takes the whole folder. Pickled weights are never loaded.
    """

    origin: dict[str, Any] | None = None
    """What the model was trained by and on, if its file says so; `save_pretrained` writes it down again."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__(config)

    def _save_pretrained(self, save_directory: Path) -> None:
        if self.origin is not None:
            checkpoint.save_model(save_directory / MODEL, self, self.origin)
        else:
            save_tensors(save_directory / MODEL, self.state_dict(), {})

    @classmethod
    def _from_pretrained(
        cls,
        *,
        model_id: str,
        config: ModelConfig | None = None,
        map_location: str = "cpu",
        strict: bool = True,
        **hub: Any,
    ) -> "MusicLM":
        if config is None:
            raise UserError(f"{model_id}: has no config.json that says how large the model is")
        path = Path(model_id) / MODEL
        if not Path(model_id).is_dir():
            path = Path(hf_hub_download(repo_id=model_id, filename=MODEL, **hub))
        origin, tensors = checkpoint.read_tensors(path, checkpoint.KEY)
        model = cls(config=config)
        checkpoint.fill_model(path, model, tensors)
        model.origin = origin
        return model.to(map_location)


def upload(folder: Path, repository: str, kind: str, private: bool) -> str:
    """Put all files of `folder` into a repository of the Hub, made if it isn't there; returns its address.

    `kind` is `model` or `dataset`. Raises UserError where the Hub refuses or can't be reached.
    """
    try:
        hub = HfApi()
        address = str(hub.create_repo(repository, repo_type=kind, private=private, exist_ok=True))
        hub.upload_folder(
            repo_id=repository, repo_type=kind, folder_path=folder, commit_message=f"Upload {folder.name}"
        )
    except (HfHubHTTPError, OfflineModeIsEnabled, OSError, ValueError) as error:
        raise UserError(
            f"{repository}: could not be written on the Hub: {one_line(str(error), 300)}; "
            "log in with `hf auth login`, and name a repository as user/name"
        ) from error
    return address
