"""A student of a third party: an MLP over the mean of word vectors."""

from __future__ import annotations

from dataclasses import dataclass

import effbench


@effbench.hookimpl
def effbench_trainers():
    return {"mean-words": MeanWords}


@dataclass(frozen=True)
class MeanWords:
    """Train an MLP over the mean of word vectors to give the vectors of ``targets``."""

    targets: effbench.EncodedTexts
    width: int = 32
    steps: int = 20

    def train(self, output_dir, *, seed):
        import torch
        from sentence_transformers import SentenceTransformer
        from sentence_transformers.sentence_transformer.modules import Dense, StaticEmbedding
        from tokenizers import Tokenizer, models, pre_tokenizers, trainers

        torch.manual_seed(seed)
        words = Tokenizer(models.WordLevel(unk_token="?"))
        words.pre_tokenizer = pre_tokenizers.Whitespace()
        known = trainers.WordLevelTrainer(special_tokens=["?"], show_progress=False)
        words.train_from_iterator(self.targets.texts, known)
        vectors = torch.tensor(self.targets.vectors[: len(self.targets.texts)])
        means = StaticEmbedding(words, embedding_dim=self.width)
        last = Dense(self.width, vectors.shape[1], activation_function=torch.nn.Identity())
        modules = [means, Dense(self.width, self.width), last]
        student = SentenceTransformer(
            modules=modules, device="cpu", similarity_fn_name="cosine"
        )
        features = student.preprocess(list(self.targets.texts))
        optimizer = torch.optim.Adam(student.parameters(), lr=0.01)
        for step in range(self.steps):
            effbench.tell_steps(step, self.steps)
            given = student(dict(features))["sentence_embedding"]
            loss = -torch.nn.functional.cosine_similarity(given, vectors).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        effbench.tell_steps(self.steps, self.steps)
        student.save(str(output_dir), create_model_card=False)
