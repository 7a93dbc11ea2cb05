"""Neural translation by models of the Hugging Face hub: MarianMT, NLLB and M2M100, by name or folder."""

import re
from typing import Any

from polyspan.data.languages import language_tag, primary, script
from polyspan.errors import PolyspanError, UsageError, nearest
from polyspan.model.encoders.model_name import model_folder, pinned, repository

_NLLB = {
    "ar": "arb_Arab", "bg": "bul_Cyrl", "bn": "ben_Beng", "ca": "cat_Latn", "cs": "ces_Latn", "da": "dan_Latn",
    "de": "deu_Latn", "el": "ell_Grek", "en": "eng_Latn", "es": "spa_Latn", "et": "est_Latn", "eu": "eus_Latn",
    "fa": "pes_Arab", "fi": "fin_Latn", "fr": "fra_Latn", "he": "heb_Hebr", "hi": "hin_Deva", "hu": "hun_Latn",
    "id": "ind_Latn", "it": "ita_Latn", "ja": "jpn_Jpan", "ka": "kat_Geor", "ko": "kor_Hang", "lt": "lit_Latn",
    "lv": "lvs_Latn", "ms": "zsm_Latn", "nl": "nld_Latn", "pl": "pol_Latn", "pt": "por_Latn", "ro": "ron_Latn",
    "ru": "rus_Cyrl", "sk": "slk_Latn", "sl": "slv_Latn", "sr": "srp_Cyrl", "sv": "swe_Latn", "sw": "swh_Latn",
    "ta": "tam_Taml", "te": "tel_Telu", "th": "tha_Thai", "tl": "tgl_Latn", "tr": "tur_Latn", "uk": "ukr_Cyrl",
    "ur": "urd_Arab", "vi": "vie_Latn", "zh": "zho_Hans", "zh-Hans": "zho_Hans", "zh-Hant": "zho_Hant",
}  # fmt: skip
_CODE = re.compile("__[a-z]{2,3}__|[a-z]{2,3}_[A-Z][A-Za-z]{1,3}")  # "__ceb__", "ceb_Latn", "ko_KR"
_BATCH = 4096  # pieces translated at once, padding and beams included


class Hub:
    """A sequence-to-sequence model of transformers, on the GPU where there is one.

    `version` has a digest of the weights and the number of beams. Texts are batched by length; padding changes
    sums in their last digits, so that now and then another word wins a tie in another company. Weights are read
    from safetensors or with torch's `weights_only`, and no code of the hub is run. Raises PolyspanError where the
    model cannot be had, and UsageError for a language that it does not know.
    """

    def __init__(self, model: str, source: str, target: str, beams: int = 1) -> None:
        from polyspan.model.device import best_device
        from polyspan.model.encoders.encoder import weights_sha256

        if beams < 1:
            raise UsageError("the number of beams must be at least 1", found=str(beams))
        self.name = f"hf:{repository(model)[0]}"  # its version has the weights
        self._model, self._tokenizer = _load(model)
        self.version = f"{weights_sha256(self._model)[:16]}, beams={beams}"
        self._model.to(best_device())
        self._prefix, self._options = _languages(self._tokenizer, source, target)
        self._beams = beams
        known = getattr(self._model.config, "max_position_embeddings", None) or 512
        self._limit = min(int(known), int(self._tokenizer.model_max_length))

    def translate(self, texts: list[str], source: str, target: str) -> list[str]:
        """A text longer than the model takes, and a translation that did not come to its end, are "": no half."""
        ids = [self._tokenizer(self._prefix + text)["input_ids"] for text in texts]
        order = sorted((n for n in range(len(texts)) if len(ids[n]) <= self._limit), key=lambda n: len(ids[n]))
        given = [""] * len(texts)
        while order:
            size = max(1, _BATCH // (self._beams * len(ids[order[-1]])))
            batch, order = order[-size:], order[:-size]
            for number, translation in zip(batch, self._generate([ids[n] for n in batch]), strict=True):
                given[number] = translation
        return given

    def _generate(self, ids: list[list[int]]) -> list[str]:
        import torch

        inputs = self._tokenizer.pad({"input_ids": ids}, return_tensors="pt").to(self._model.device)
        longest = [min(self._limit - 1, 2 * len(text) + 20) for text in ids]
        with torch.inference_mode():
            output = self._model.generate(
                **inputs, num_beams=self._beams, do_sample=False, max_new_tokens=max(longest), **self._options
            )
        texts = self._tokenizer.batch_decode(output, skip_special_tokens=True)
        end = self._tokenizer.eos_token_id
        # Each has its own limit, whatever the batch's: a text that runs on is none in any company.
        ended = [end in row[1 : most + 1] for row, most in zip(output.tolist(), longest, strict=True)]
        return [text.strip() if whole else "" for text, whole in zip(texts, ended, strict=True)]


def _load(name: str) -> tuple[Any, Any]:
    from transformers import AutoModelForSeq2SeqLM, AutoTokenizer

    from polyspan.model.encoders.encoder import quiet

    try:
        with quiet():
            place, commit = (name, None) if model_folder(name) else repository(pinned(name))
            tokenizer = AutoTokenizer.from_pretrained(place, revision=commit or "main")
            model = AutoModelForSeq2SeqLM.from_pretrained(place, revision=commit or "main")
    except Exception as error:  # whatever transformers, safetensors and the hub raise
        raise PolyspanError(
            f"cannot load the translation model {name!r}",
            found=(str(error).strip() or repr(error)).splitlines()[0],
            fix="check the name and the network, or give a folder (Marian: pip install sentencepiece)",
        ) from error
    return model.eval(), tokenizer


def _languages(tokenizer: Any, source: str, target: str) -> tuple[str, dict[str, int]]:
    """How a model is told its languages: a prefix of the text, and options of `generate`."""
    if hasattr(tokenizer, "src_lang"):  # NLLB and M2M100
        tokenizer.src_lang = _code(tokenizer, source)[0]
        return "", {"forced_bos_token_id": _code(tokenizer, target)[1]}
    many = getattr(tokenizer, "supported_language_codes", None) or []  # Marian's models for several targets
    if not many:
        return "", {}
    code = target.split("-")[0]
    exact = [mark for mark in many if _means(mark.strip("<>"), target)]
    fitting = exact + [m for m in many if m.strip("<>").startswith((code, _NLLB.get(target, code)[:3]))]
    if not fitting:
        raise UsageError(f"the model does not translate into {target!r}", fix=nearest(target, many))
    return f"{fitting[0]} ", {}


def _code(tokenizer: Any, language: str) -> tuple[str, int]:
    """The model's own code of a language, and the id of its piece."""
    short = language.split("-")[0]
    vocabulary = tokenizer.get_vocab()
    for code in (language, _NLLB.get(language, ""), _NLLB.get(short, ""), short):
        for piece in (code, f"__{code}__"):
            if code and piece in vocabulary and ("_" in piece):
                return code, vocabulary[piece]
    for piece, number in vocabulary.items():
        if _CODE.fullmatch(piece) and _means(piece.strip("_"), language):
            return piece.strip("_"), number
    raise UsageError(f"the model has no language {language!r}", expected="a code such as en, zh-Hant or spa_Latn")


def _means(code: str, language: str) -> bool:
    """Whether a model's code is one for the language, in the script that it is mostly written in."""
    try:
        tag = language_tag(code)
    except UsageError:
        return False
    return primary(tag) == primary(language) and script(tag) == script(language)
