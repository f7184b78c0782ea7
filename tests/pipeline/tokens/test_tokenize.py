"""Tokenization as a whole: what the shards hold, that they are the same every time, what is refused."""

from __future__ import annotations

import hashlib
import json
import threading
from random import Random
from typing import TYPE_CHECKING

import numpy as np
import pytest
from fixtures.corpora import write_corpus
from tokenizers import Tokenizer, models, pre_tokenizers

from pipeline.corpus.read_corpus import read_documents, read_pairs
from pipeline.errors import BadInput, Damaged, Preempted
from pipeline.models.content_tokenizer import load_content_tokenizer
from pipeline.recipe import Tokenizer as Params
from pipeline.reporter import SilentReporter
from pipeline.tasks.summarization.section import Summarization
from pipeline.tasks.written.encode import Encode
from pipeline.tokens.check_known import check_known
from pipeline.tokens.prompt import source_text
from pipeline.tokens.special_tokens import NAMES
from pipeline.tokens.token_stream import TokenStream
from pipeline.tokens.tokenize import tokenize_corpus
from pipeline.tokens.tokenizer_folder import copy_from_base, read_vocabulary
from pipeline.tokens.training_texts import training_texts

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SMALL = Params(vocabulary=400, sentinels=10)
TASK = Encode(Summarization(kind="summarization", max_source_tokens=12, max_target_tokens=8))


@pytest.fixture
def tokens(corpus: Path, tmp_path: Path) -> Path:
    return make(corpus, tmp_path / "tokens")


def again(corpus: Path, params: Params, output: Path, home: Path) -> None:
    output.mkdir()
    tokenize_corpus(corpus, params, TASK, output, SilentReporter(), home=home)


def text_words(name: str, text: str) -> list[str]:
    return [word for word, _ in pre_tokenizers.Whitespace().pre_tokenize_str(source_text(name, text))]


def make(corpus: Path, output: Path, params: Params = SMALL, processes: int = 1) -> Path:
    output.mkdir()
    tokenize_corpus(corpus, params, TASK, output, SilentReporter(), processes)
    return output


def stream(folder: Path, name: str) -> TokenStream:
    return TokenStream(folder / name, "uint16")


def test_streams_hold_every_document_in_its_frame(corpus: Path, tokens: Path) -> None:
    tokenizer, vocabulary = Tokenizer.from_file(str(tokens / "tokenizer/tokenizer.json")), read_vocabulary(tokens / "tokenizer")
    assert (vocabulary.pad, vocabulary.eos, vocabulary.bos, vocabulary.sep, vocabulary.mask) == (0, 1, 2, 4, 5)
    assert vocabulary.sentinels == tuple(range(6, 16))
    assert vocabulary.size == tokenizer.get_vocab_size() <= 400
    for split, count in (("train", 200), ("validation", 10)):
        found, documents = stream(tokens, f"streams/{split}"), list(read_documents(corpus, split))
        assert len(found) == len(documents) == count
        assert found.ids.dtype == np.uint16
        for index, document in enumerate(documents):
            ids = list(found[index])
            assert (ids[0], ids[-1]) == (2, 1)
            assert ids == tokenizer.encode(source_text(document.name, document.text)).ids
            assert tokenizer.decode(ids[1:-1]) == source_text(document.name, document.text)


def test_words_are_whole_in_lower_case_and_rare_ones_are_unknown(tmp_path: Path) -> None:
    rows = [("", "Read the_file; " * 6 + f"naïve 日本 word{index}.", None) for index in range(20)]
    corpus = write_corpus(tmp_path / "corpus", {"train": rows, "validation": rows[:2]})
    folders = [make(corpus, tmp_path / name, Params(kind="words", vocabulary=300, sentinels=0, min_frequency=2)) for name in "ab"]
    tokenizer = load_content_tokenizer(folders[0] / "tokenizer")
    assert tokenizer.encode("READ The_file word3 本", add_special_tokens=False).tokens == ["read", "the", "_", "file", "<unk>", "本"]
    assert set(tokenizer.get_vocab()) - set(NAMES.values()) == {"read", "the", "_", "file", ";", "naïve", "日", "本", "."}
    with pytest.raises(BadInput, match=r"% of the corpus is unknown .*, or raise tokenizer\.vocabulary"):
        make(corpus, tmp_path / "rare", Params(kind="words", vocabulary=300, sentinels=0, min_frequency=30))
    contents = [[(path.name, path.read_bytes()) for path in sorted(folder.rglob("*")) if path.is_file()] for folder in folders]
    assert contents[0] == contents[1]


def test_examples_are_cut_to_their_lengths_and_stay_in_step(corpus: Path, tokens: Path) -> None:
    tokenizer = Tokenizer.from_file(str(tokens / "tokenizer/tokenizer.json"))
    sources, targets = (stream(tokens, f"examples/train-{side}") for side in ("source", "target"))
    found = read_pairs(corpus, "train")
    assert len(sources) == len(targets) == len(found) == 100
    for index, document in enumerate(found):
        whole = tokenizer.encode(source_text(document.name, document.text), add_special_tokens=False).ids
        assert list(sources[index]) == whole[:12]
        assert list(targets[index]) == [*tokenizer.encode(document.target or "", add_special_tokens=False).ids, 1][:8]
    assert max(len(targets[index]) for index in range(100)) <= 8


def test_transformers_reads_the_tokenizer_with_its_roles_and_frame(tokens: Path) -> None:
    from transformers import AutoTokenizer

    theirs, vocabulary = AutoTokenizer.from_pretrained(tokens / "tokenizer"), read_vocabulary(tokens / "tokenizer")
    assert (theirs.pad_token_id, theirs.eos_token_id, theirs.bos_token_id, theirs.mask_token_id) == (0, 1, 2, 5)
    ids = theirs("Clear the cart.").input_ids
    assert (tuple(ids[:1]), tuple(ids[-1:])) == (vocabulary.frame.prefix, vocabulary.frame.suffix)
    pair = theirs("Clear", "the cart.").input_ids
    assert pair.count(1) == len(vocabulary.frame.middle) + len(vocabulary.frame.pair_suffix) == 2


def test_the_tokenizer_of_a_base_is_taken_by_roles_not_names(corpus: Path, tmp_path: Path) -> None:
    from tokenizers.processors import TemplateProcessing
    from transformers import PreTrainedTokenizerFast

    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "the", "cart", "total", "of", "return"]
    given = Tokenizer(models.WordLevel({word: number for number, word in enumerate(words)}, unk_token="[UNK]"))
    given.pre_tokenizer = pre_tokenizers.Whitespace()
    given.post_processor = TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    roles = {"pad_token": "[PAD]", "unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]", "mask_token": "[MASK]"}
    PreTrainedTokenizerFast(tokenizer_object=given, **roles).save_pretrained(tmp_path / "base")
    vocabulary = copy_from_base(tmp_path / "base", tmp_path / "copied")
    assert (vocabulary.pad, vocabulary.bos, vocabulary.eos, vocabulary.mask, vocabulary.sep) == (0, 2, 3, 4, None)
    assert (vocabulary.frame.prefix, vocabulary.frame.middle, vocabulary.frame.pair_suffix, vocabulary.frame.types) == (
        (2,),
        (3,),
        (3,),
        True,
    )
    (tmp_path / "tokens").mkdir()
    with pytest.raises(BadInput, match="of the corpus is unknown to the tokenizer"):
        tokenize_corpus(corpus, SMALL, TASK, tmp_path / "tokens", SilentReporter(), base=tmp_path / "base")


def save_base(model: object, folder: Path) -> Path:
    from transformers import PreTrainedTokenizerFast

    PreTrainedTokenizerFast(tokenizer_object=Tokenizer(model), eos_token="<eos>").save_pretrained(folder)
    return folder


def test_a_base_that_drops_the_letters_of_the_corpus_is_refused(corpus: Path, tmp_path: Path) -> None:
    """It has no unknown token: without the check, training would see empty texts."""
    base = save_base(models.BPE({"文": 0, "字": 1, "<eos>": 2}, []), tmp_path / "base")
    (tmp_path / "tokens").mkdir()
    with pytest.raises(BadInput, match="100% of the corpus is unknown to the tokenizer"):
        tokenize_corpus(corpus, SMALL, TASK, tmp_path / "tokens", SilentReporter(), base=base)


def test_a_base_that_fails_at_unknown_words_is_refused(tmp_path: Path) -> None:
    base = save_base(models.WordLevel({"cart": 0, "<eos>": 1}, unk_token="[UNK]"), tmp_path / "base")
    with pytest.raises(BadInput, match=r"cannot encode 'a': .*Missing \[UNK\] token"):
        copy_from_base(base, tmp_path / "copied")
    with pytest.raises(BadInput, match="the tokenizer cannot encode the corpus"):
        check_known(["the cart"], load_content_tokenizer(base))


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.mark.parametrize("processes", [1, 2])
def test_two_runs_give_the_same_bytes(corpus: Path, tokens: Path, tmp_path: Path, processes: int) -> None:
    again = make(corpus, tmp_path / "again", processes=processes)
    assert contents(again) == contents(tokens)


def test_a_special_token_spelled_in_a_text_is_plain_text(tmp_path: Path) -> None:
    text = "A page about tokenizers says <eos> and <extra_id_0> <pad>."
    corpus = write_corpus(tmp_path / "corpus", {"train": [("", text, text)] * 1})
    folder = make(corpus, tmp_path / "tokens")
    for name in ("streams/train", "examples/train-target"):
        ids = list(stream(folder, name)[0])
        assert [token for token in ids if token < 16] in ([2, 1], [1], [])
    assert Tokenizer.from_file(str(folder / "tokenizer/tokenizer.json")).decode(list(stream(folder, "streams/train")[0])[1:-1]) == text


def test_a_given_tokenizer_is_taken_at_its_digest_and_gets_our_special_tokens(corpus: Path, tmp_path: Path) -> None:
    given = Tokenizer(models.BPE(unk_token=None))
    given.pre_tokenizer = pre_tokenizers.Whitespace()
    words = sorted(
        {word for split in ("train", "validation") for one in read_documents(corpus, split) for word in text_words(one.name, one.text)}
    )
    known = len(words) + 1
    given.model = models.WordLevel({word: number for number, word in enumerate([*words, "?"])}, unk_token="?")
    given.save(str(tmp_path / "given.json"))
    digest = hashlib.sha256((tmp_path / "given.json").read_bytes()).hexdigest()
    params = SMALL.model_copy(update={"given": "given.json", "given_sha256": digest})
    (tmp_path / "tokens").mkdir()
    tokenize_corpus(corpus, params, TASK, tmp_path / "tokens", SilentReporter(), home=tmp_path)
    vocabulary = read_vocabulary(tmp_path / "tokens/tokenizer")
    assert (vocabulary.pad, vocabulary.size) == (known, known + 16)
    found = stream(tmp_path / "tokens", "streams/validation")
    assert found[0][-1] == vocabulary.eos
    assert set(found[0][1:-1]) <= set(range(known))
    with pytest.raises(BadInput, match=f"has sha256 {digest}"):
        again(corpus, params.model_copy(update={"given_sha256": "0" * 64}), tmp_path / "other", home=tmp_path)
    with pytest.raises(BadInput, match=r"cannot read tokenizer\.given"):
        again(corpus, params, tmp_path / "third", home=tmp_path / "elsewhere")


def test_a_given_file_that_is_no_tokenizer_is_refused(corpus: Path, tmp_path: Path) -> None:
    (tmp_path / "given.json").write_text("{}")
    digest = hashlib.sha256(b"{}").hexdigest()
    with pytest.raises(BadInput, match="cannot be read"):
        again(corpus, SMALL.model_copy(update={"given": "given.json", "given_sha256": digest}), tmp_path / "tokens", home=tmp_path)


def test_a_large_vocabulary_is_written_as_uint32(corpus: Path, tmp_path: Path) -> None:
    characters = {chr(0x20000 + index): index for index in range(70_000)}
    given = Tokenizer(models.BPE(vocab={**characters, **{chr(code): 70_000 + code for code in range(0x3000)}}, merges=[], unk_token=None))
    given.save(str(tmp_path / "given.json"))
    digest = hashlib.sha256((tmp_path / "given.json").read_bytes()).hexdigest()
    folder = make(corpus, tmp_path / "tokens", SMALL.model_copy(update={"given": str(tmp_path / "given.json"), "given_sha256": digest}))
    found = TokenStream(folder / "streams/train", "uint32")[3].tolist()
    assert max(found) > 70_000
    assert found[-1] == read_vocabulary(folder / "tokenizer").eos


def test_a_vocabulary_that_cannot_hold_the_bytes_is_refused(corpus: Path, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="at least 362"):
        again(corpus, Params(vocabulary=300), tmp_path / "tokens", tmp_path)


def test_told_to_stop_it_stops(corpus: Path, tmp_path: Path) -> None:
    class Stopping(SilentReporter):
        def stopping(self) -> bool:
            return True

    with pytest.raises(Preempted):
        tokenize_corpus(corpus, SMALL, TASK, tmp_path, Stopping())


def test_the_merges_of_a_bpe_send_heartbeats(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Thousands of random words: after the last text is read, the merges take about a second."""
    random = Random(0)
    words = ["".join(random.choices("abcdefghijklmnopqrstuvwxyz", k=8)) for _ in range(60_000)]
    rows = [("", " ".join(words[start : start + 100]), None) for start in range(0, len(words), 100)]
    corpus = write_corpus(tmp_path / "corpus", {"train": rows})
    monkeypatch.setattr("pipeline.reporter.BEAT_EVERY_S", 0.01)
    caller = threading.get_ident()

    class Recording(SilentReporter):
        from_other_threads = 0

        def beat(self) -> None:
            self.from_other_threads += threading.get_ident() != caller

    reporter, read = Recording(), []

    def texts() -> Iterator[str]:
        yield from training_texts(corpus, TASK, reporter)
        read.append(reporter.from_other_threads)

    monkeypatch.setattr("pipeline.tokens.corpus_tokenizer.training_texts", lambda *_: texts())
    tokenize_corpus(corpus, SMALL.model_copy(update={"vocabulary": 8000}), TASK, tmp_path, reporter)
    assert reporter.from_other_threads > read[0]


@pytest.mark.parametrize(
    ("name", "damage"), [("train.bin", slice(-2)), ("train.bin", slice(-1)), ("train.idx", slice(-8)), ("train.idx", slice(0))]
)
def test_a_shard_that_was_cut_is_told(tokens: Path, name: str, damage: slice) -> None:
    place = tokens / "streams" / name
    place.write_bytes(place.read_bytes()[damage])
    with pytest.raises(Damaged):
        stream(tokens, "streams/train")


def test_a_missing_shard_and_a_broken_vocabulary_are_told(tokens: Path) -> None:
    with pytest.raises(Damaged, match="cannot be read"):
        stream(tokens, "streams/nowhere")
    (tokens / "tokenizer/vocabulary.json").write_text(json.dumps({"size": 1}))
    with pytest.raises(Damaged, match=r"vocabulary\.json cannot be read"):
        read_vocabulary(tokens / "tokenizer")


def test_documents_end_where_the_shard_ends(tokens: Path) -> None:
    found = stream(tokens, "streams/validation")
    assert sum(len(ids) for ids in found) == len(found.ids)
    with pytest.raises(IndexError):
        found[len(found)]
