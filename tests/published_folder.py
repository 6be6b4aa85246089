"""An invented evaluation in the layout of the paper's repository, with scores by procedures of its own.

Every number is computed here from the rankings by plain loops or NumPy, by the definitions of the paper: nothing of the
program under test is used. Bootstraps take `numpy.random.default_rng(42)`, as the published scripts do.
"""

from __future__ import annotations

import json
import math
import random
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import combinations, permutations
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

MODELS = (
    "checkpoints/toy-8b-full",
    "checkpoints/toy-8b-hard-panel",
    "checkpoints/toy-8b-soft-panel",
    "meta-toy/Toy-8B",
)
NAMES = ("full", "hard-panel", "soft-panel", "toy-8b")
STRENGTH = (0.1, 0.5, 0.3, -0.3)
CLAUSES = {1: "Choose the response that is kinder.", 2: "Choose the response that is clearer."}
SAMPLES = 60

Orders = Sequence[Sequence[int]]
Wins = NDArray[np.float64]


def write_folder(folder: Path, per_clause: int = 12, judges: int = 5) -> Path:
    """Writes the whole evaluation."""
    rows = invented_rows(per_clause, judges)
    (folder / "questions").mkdir(parents=True)
    (folder / "responses").mkdir()
    for number, clause in CLAUSES.items():
        listed = [row["question"] for row in rows if row["clause_id"] == number]
        content = {"clause_id": number, "clause": clause, "questions": listed, "question_model": "toy"}
        (folder / "questions" / f"clause_{number:02d}.json").write_text(json.dumps(content))
    for model in MODELS:
        keys = ("question_id", "clause_id", "question")
        answers = [{key: row[key] for key in keys} | {"response": row["responses"][model]} for row in rows]
        write_lines(folder / "responses" / f"{model.replace('/', '__')}.jsonl", answers)
    write_lines(folder / "listwise.jsonl", rows)
    write_scores(folder, rows)
    return folder


def write_lines(path: Path, rows: Sequence[dict[str, Any]]) -> None:
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")


def invented_rows(per_clause: int, judges: int) -> list[dict[str, Any]]:
    """Rows of listwise.jsonl: judges rank by strengths and chance, answers stand in a shuffled order."""
    chance = random.Random(7)
    rows = []
    for clause in CLAUSES:
        for index in range(per_clause):
            tastes = [strength + chance.gauss(0, 0.7) for strength in STRENGTH]
            rankings, orders, replies = [], [], []
            for _ in range(judges):
                noisy = sorted(range(len(MODELS)), key=lambda i: -(tastes[i] + chance.gauss(0, 0.6)))
                order = chance.sample(range(len(MODELS)), len(MODELS))
                rankings.append([MODELS[i] for i in noisy])
                orders.append([MODELS[i] for i in order])
                replies.append({"ranking": ["ABCD"[order.index(i)] for i in noisy]})
            rows.append(
                {
                    "idx": len(rows) + 1,
                    "question_id": f"{clause}:{index}",
                    "clause_id": clause,
                    "clause": CLAUSES[clause],
                    "question": f"What is number {index} of clause {clause}?",
                    "models": list(MODELS),
                    "responses": {model: "word " * chance.randint(1, 30) for model in MODELS},
                    "rankings": rankings,
                    "judge_raw": replies,
                    "judge_orders": orders,
                }
            )
    return rows


def write_scores(folder: Path, rows: Sequence[dict[str, Any]]) -> None:
    """All files of scores."""
    (folder / "diagnostics").mkdir(exist_ok=True)
    for name, content in scores_of(rows).items():
        (folder / name).write_text(json.dumps(content, indent=2))
    write_lines(folder / "preferences.jsonl", preferences_of(rows))


def scores_of(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    orders = [[MODELS.index(model) for model in ranking] for row in rows for ranking in row["rankings"]]
    head = {"models": list(MODELS), "num_rankings": len(orders), "bootstrap_samples": SAMPLES}
    votes = wins_of(orders)
    means = {"borda": resampled(orders, borda), "pl": resampled(orders, published_iteration)}
    m, n = len(MODELS), len(orders)
    average = borda(orders)
    copeland = [n * (2 * value - (m - 1)) for value in average]
    return {
        "bradley_terry_scores.json": bradley_terry_file(rows),
        "ranking_scores_borda.json": {"method": "borda", **head}
        | {
            "borda": [
                {"model": model, "borda": float(votes[i].sum()), "borda_avg": average[i]}
                | spread("borda_avg", means["borda"][:, i])
                for i, model in enumerate(MODELS)
            ]
        },
        "ranking_scores_copeland.json": {"method": "copeland", **head}
        | {
            "copeland": [
                {"model": model, "copeland": copeland[i], "win_rate": average[i] / (m - 1)}
                | spread("copeland", n * (2 * means["borda"][:, i] - (m - 1)))
                | spread("win_rate", means["borda"][:, i] / (m - 1))
                for i, model in enumerate(MODELS)
            ]
        },
        "ranking_scores_plackett-luce.json": {"method": "plackett-luce", **head}
        | {
            "plackett_luce": {
                "results": [
                    {"model": model, "score": published_iteration(orders)[i]} | spread("score", means["pl"][:, i])
                    for i, model in enumerate(MODELS)
                ]
            }
        },
        "ranking_scores_kemeny.json": {"method": "kemeny", **head, "kemeny": kemeny_part(orders)},
        "ranking_scores_mallows.json": {"method": "mallows", **head, "mallows": mallows_part(orders)},
        "diagnostics/pairwise_effects.json": {"method": "pairwise-effects", "pairs": pairs_of(rows)},
        "diagnostics/judge_reliability.json": {"method": "judge-reliability"} | reliability_of(rows),
        "order_bias.json": order_bias_of(rows),
        "verbosity_bias.json": verbosity_of(rows),
    }


# ------------------------------------------------------------ procedures


def wins_of(orders: Orders) -> Wins:
    place = np.argsort(np.array(orders), axis=1)
    wins: Wins = (place[:, :, None] < place[:, None, :]).sum(axis=0).astype(float)
    return wins


def borda(orders: Orders) -> list[float]:
    return list(wins_of(orders).sum(axis=1) / len(orders))


def bradley_terry(wins: Wins) -> list[float]:
    """Log-abilities by Zermelo's iteration, to convergence."""
    ability = np.ones(len(wins))
    for _ in range(5_000):
        games = (wins + wins.T) / (ability[:, None] + ability[None, :])
        after = wins.sum(axis=1) / games.sum(axis=1)
        after /= np.exp(np.log(after).mean())
        if np.abs(np.log(after / ability)).max() < 1e-12:
            break
        ability = after
    return list(np.log(ability))


def published_iteration(orders: Orders) -> list[float]:
    """The published Plackett–Luce: in each step of a ranking only the chosen one is told what it was chosen out of."""
    weight, listed = np.ones(len(MODELS)), np.array(orders)
    for _ in range(1000):
        left = weight[listed][:, ::-1].cumsum(axis=1)[:, ::-1]
        denominator = np.bincount(listed.ravel(), weights=(1 / left).ravel(), minlength=len(MODELS))
        after = len(orders) / denominator
        after /= np.exp(np.log(after).mean())
        settled = np.abs(np.log(after / weight)).max() < 1e-6
        weight = after
        if settled:
            break
    return list(np.log(weight))


def resampled(orders: Orders, score: Callable[[Orders], list[float]]) -> Wins:
    """Scores of resamples of the rankings."""
    chance = np.random.default_rng(42)
    found = [score([orders[i] for i in chance.integers(0, len(orders), len(orders))]) for _ in range(SAMPLES)]
    return np.array(found)


def spread(name: str, samples: Wins) -> dict[str, float]:
    low, high = np.quantile(samples, [0.025, 0.975])
    return {f"{name}_mean": float(samples.mean()), f"{name}_ci_lower": float(low), f"{name}_ci_upper": float(high)}


def majorities(row: dict[str, Any]) -> Wins:
    """Who is before whom in most rankings of a question; a tie counts half."""
    votes = wins_of([[MODELS.index(model) for model in ranking] for ranking in row["rankings"]])
    won = (votes > votes.T) + 0.5 * (votes == votes.T)
    np.fill_diagonal(won, 0)
    return won


def bradley_terry_file(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    per_question = np.array([majorities(row) for row in rows])
    wins, chance = per_question.sum(axis=0), np.random.default_rng(42)
    drawn = [per_question[chance.integers(0, len(rows), len(rows))].sum(axis=0) for _ in range(SAMPLES)]
    samples = np.array([bradley_terry(one) for one in drawn])
    scores = bradley_terry(wins)
    results = [
        {"model": model, "score": scores[i], "ability": math.exp(scores[i]), "wins": float(wins[i].sum())}
        | spread("score", samples[:, i])
        for i, model in enumerate(MODELS)
    ]
    head = {"method": "bradley-terry", "models": list(MODELS), "bt_mode": "majority"}
    return {**head, "num_comparisons": len(rows) * math.comb(len(MODELS), 2), "results": results}


def best_order(votes: Wins) -> tuple[tuple[int, ...], float]:
    """The order that agrees with most votes, of all orders."""
    agreement = {
        order: float(sum(votes[better, worse] for better, worse in combinations(order, 2)))
        for order in permutations(range(len(votes)))
    }
    best = max(agreement, key=lambda order: agreement[order])
    return best, agreement[best]


def kemeny_part(orders: Orders) -> dict[str, Any]:
    """The best order, and how often the resamples have it, and each model each place."""
    order, agreement = best_order(wins_of(orders))
    samples = resampled(orders, lambda drawn: [float(i) for i in best_order(wins_of(drawn))[0]])
    shares = {
        model: [float((samples[:, place] == i).mean()) for place in range(len(MODELS))]
        for i, model in enumerate(MODELS)
    }
    exact = float((samples == np.array(order)).all(axis=1).mean())
    bootstrap = {"samples": SAMPLES, "seed": 42, "exact_match_rate": exact, "rank_probabilities": shares}
    ranking = [MODELS[i] for i in order]
    return {"method": "bruteforce", "ranking": ranking, "score": agreement, "bootstrap": bootstrap}


def mallows_part(orders: Orders) -> dict[str, Any]:
    """φ by bisection of the mean distance, from the rankings that are not held out."""
    shuffled = list(range(len(orders)))
    random.Random(42).shuffle(shuffled)
    out = set(shuffled[: len(orders) // 5])
    train = [order for i, order in enumerate(orders) if i not in out]
    consensus, agreement = best_order(wins_of(train))
    m = len(MODELS)
    mean = math.comb(m, 2) - agreement / len(train)

    def expected(phi: float) -> float:
        weights = [math.exp(-phi * d) for d in distances]
        return sum(d * weight for d, weight in zip(distances, weights, strict=True)) / sum(weights)

    place = {condition: k for k, condition in enumerate(consensus)}
    distances = [sum(place[a] > place[b] for a, b in combinations(order, 2)) for order in permutations(range(m))]
    low, high = 0.0, 10.0
    for _ in range(100):
        middle = (low + high) / 2
        low, high = (middle, high) if expected(middle) > mean else (low, middle)
    norm = math.log(sum(math.exp(-low * d) for d in distances))
    test = [orders[i] for i in out]
    total = sum(-low * sum(place[a] > place[b] for a, b in combinations(order, 2)) - norm for order in test)
    return {
        "consensus": [MODELS[i] for i in consensus],
        "phi": low,
        "log_likelihood_test": total,
        "mean_kendall_train": mean,
        "n_train": len(train),
        "n_test": len(test),
    }


def preferences_of(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    found = []
    for row in rows:
        votes = wins_of([[MODELS.index(model) for model in ranking] for ranking in row["rankings"]])
        for i, j in combinations(range(len(MODELS)), 2):
            winner = None if votes[i, j] == votes[j, i] else MODELS[i if votes[i, j] > votes[j, i] else j]
            found.append(
                {"question_id": row["question_id"], "clause_id": row["clause_id"], "num_judges": len(row["rankings"])}
                | {"model_i": MODELS[i], "model_j": MODELS[j], "majority_winner": winner}
                | {"wins_i": int(votes[i, j]), "wins_j": int(votes[j, i])}
            )
    return found


def pairs_of(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """As the published script has it: a question without a majority is nobody's."""
    found = []
    for i, j in combinations(range(len(MODELS)), 2):
        own = [row for row in preferences_of(rows) if (row["model_i"], row["model_j"]) == (MODELS[i], MODELS[j])]
        wins, judges = np.array([row["wins_i"] for row in own]), own[0]["num_judges"]
        drawn = np.random.default_rng(42).integers(0, len(own), (SAMPLES, len(own)))
        low, high = np.quantile(wins[drawn].mean(axis=1) / judges, [0.025, 0.975])
        found.append(
            {"model_a": MODELS[i], "model_b": MODELS[j], "n_questions": len(own), "n_judges": judges}
            | {"win_rate_a_votes": float(wins.sum() / judges / len(own))}
            | {"win_rate_a_majority": sum(row["majority_winner"] == MODELS[i] for row in own) / len(own)}
            | {"mean_margin_a": float(((2 * wins - judges) / judges).mean())}
            | {"ci_lower": float(low), "ci_upper": float(high)}
        )
    return found


def reliability_of(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    taus, tops, margins, firsts = [], [], [], []
    for row in rows:
        orders = row["rankings"]
        own = []
        for one, other in combinations(orders, 2):
            apart = sum(other.index(a) > other.index(b) for a, b in combinations(one, 2))
            own.append(1 - 2 * apart / math.comb(len(one), 2))
        taus.append(sum(own) / len(own))
        counts = Counter(order[0] for order in orders)
        ranked = [*sorted(counts.values(), reverse=True), 0]
        tops.append(ranked[0] / len(orders))
        margins.append((ranked[0] - ranked[1]) / len(orders))
        firsts.append(counts)
    judges = len(rows[0]["rankings"])
    agree = [sum(c * (c - 1) for c in counts.values()) / judges / (judges - 1) for counts in firsts]
    chance = sum((n / len(rows) / judges) ** 2 for n in sum(firsts, Counter[str]()).values())
    return {
        "n_questions": len(rows),
        "kendall_tau_mean": sum(taus) / len(taus),
        "kendall_tau_median": sorted(taus)[len(taus) // 2],
        "top1_agreement_mean": sum(tops) / len(tops),
        "top1_margin_mean": sum(margins) / len(margins),
        "fleiss_kappa_top1": (sum(agree) / len(agree) - chance) / (1 - chance),
    }


def order_bias_of(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    pairs = [
        (order, ranking) for row in rows for order, ranking in zip(row["judge_orders"], row["rankings"], strict=True)
    ]
    places = range(len(MODELS))
    ranks = [[ranking.index(order[place]) + 1 for order, ranking in pairs] for place in places]
    shown = [place + 1 for place in places for _ in pairs]
    return {
        "num_rankings": len(pairs),
        "pearson_corr_presented_vs_rank": float(np.corrcoef(shown, np.concatenate(ranks))[0, 1]),
        "mean_rank_by_presented_position": [sum(own) / len(own) for own in ranks],
        "top1_rate_by_presented_position": [own.count(1) / len(own) for own in ranks],
    }


def verbosity_of(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    sizes, words, ranks, longer, pairs = [], [], [], 0, 0
    for row in rows:
        for ranking in row["rankings"]:
            texts = [row["responses"][model] for model in ranking]
            sizes += [len(text) for text in texts]
            words += [len(text.split()) for text in texts]
            ranks += list(range(1, len(texts) + 1))
            for better, worse in combinations(map(len, texts), 2):
                pairs += better != worse
                longer += better > worse
    return {
        "num_rankings": len(ranks),
        "pearson_corr_chars_vs_rank": float(np.corrcoef(sizes, ranks)[0, 1]),
        "pearson_corr_words_vs_rank": float(np.corrcoef(words, ranks)[0, 1]),
        "pairwise_longer_win_rate": longer / pairs,
        "pairwise_total": pairs,
    }
