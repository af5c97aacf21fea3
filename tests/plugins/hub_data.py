"""A text dataset and a tokeniser as users have them on disk, made from a seed."""

import datasets
import numpy as np
from tokenizers import Tokenizer, models, pre_tokenizers, trainers

END = "<|endoftext|>"
VOCABULARY = 300

datasets.disable_progress_bars()


def texts(n=800, seed=0):
    """Different short documents."""
    rng = np.random.default_rng(seed)
    words = np.array(["the", "cat", "dog", "king", "river", "sees", "finds", "follows", "red", "old", "small", "Käfer"])
    return [f"{number}: {' '.join(rng.choice(words, 15))}." for number in range(n)]


def save(folder, **splits):
    """Save splits, each {column: values}, as users do; returns the folder as kwargs have it."""
    parts = {split: datasets.Dataset.from_dict(columns) for split, columns in splits.items()}
    datasets.DatasetDict(parts).save_to_disk(folder)
    return str(folder)


def save_tokenizer(path, end=END, vocabulary=VOCABULARY):
    """Train a byte-level BPE tokeniser on the texts and save it."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary, special_tokens=[end], initial_alphabet=alphabet, show_progress=False
    )
    tokenizer.train_from_iterator(texts(), trainer)
    tokenizer.enable_truncation(8)
    tokenizer.save(str(path))
    return str(path)
