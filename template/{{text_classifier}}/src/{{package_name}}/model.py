"""The model: a small one of the BERT architecture, with its tokenizer; built here, no download.

A new run asks for `build_tokenizer` and `build_model`. `KIND` says how models are opened that are
there already.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import (
    AutoModelForSequenceClassification,
    BertConfig,
    BertForSequenceClassification,
    PreTrainedTokenizerFast,
)

from .config import ModelConfig
from .kit.training.saved import Kind
from .task import CLASS_NAMES

PAD, BEGIN, END = "[PAD]", "[CLS]", "[SEP]"

LABELS: dict[str, Any] = {
    "num_labels": len(CLASS_NAMES),
    "id2label": dict(enumerate(CLASS_NAMES)),
    "label2id": {name: number for number, name in enumerate(CLASS_NAMES)},
}

KIND = Kind(
    auto=AutoModelForSequenceClassification,
    name="model with a fast tokenizer that classifies texts",
    head={**LABELS, "ignore_mismatched_sizes": True},
)


def build_tokenizer(texts: Iterable[str], config: ModelConfig) -> PreTrainedTokenizerFast:
    """Train byte-level BPE on texts; it can spell every text, whatever it was trained on."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=config.vocabulary,
        special_tokens=[PAD, BEGIN, END],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{BEGIN} $A {END}",
        special_tokens=[(name, tokenizer.token_to_id(name)) for name in (BEGIN, END)],
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        model_max_length=config.context,
        pad_token=PAD,
        cls_token=BEGIN,
        sep_token=END,
    )


def build_model(config: ModelConfig, tokenizer: Any) -> BertForSequenceClassification:
    """Return a new model with random weights, of the sizes in the configuration."""
    return BertForSequenceClassification(
        BertConfig(
            vocab_size=len(tokenizer),
            hidden_size=config.width,
            intermediate_size=2 * config.width,
            num_hidden_layers=config.layers,
            num_attention_heads=config.heads,
            max_position_embeddings=config.context,
            hidden_dropout_prob=config.dropout,
            attention_probs_dropout_prob=config.dropout,
            pad_token_id=tokenizer.pad_token_id,
            **LABELS,
        )
    )


def exact_tokenizer(tokenizer: Any) -> Tokenizer:
    """Return what `task.prepare` takes: it pads texts to one length, and cuts those too long.

    Args:
        tokenizer: A tokenizer as Transformers has it; its `model_max_length` says what is too long.
    """
    found = Tokenizer.from_str(tokenizer.backend_tokenizer.to_str())
    found.enable_truncation(tokenizer.model_max_length)
    found.enable_padding(pad_id=tokenizer.pad_token_id, pad_token=tokenizer.pad_token)
    return found
