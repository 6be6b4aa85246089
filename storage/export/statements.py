"""What every bundle says about itself in words: its licences and what the record can and cannot show."""

from __future__ import annotations

from collections.abc import Sequence

from core.visible import visible
from storage.export.crowd import FEW, Crowds

LICENCES = """# Licences

This bundle holds things of different owners. Nothing in it grants more than their owners granted.

- `verify.py` and `chain.py`, where they are there, and the form of the files are part of dempo: Apache License 2.0.
- The record (`audit.db`, `events.jsonl`), the tables, plots and the report belong to whoever made the run. The run
  states no licence for them; ask before you publish them again.
- Texts of people and of other models come from the data that the run read, and keep the licence of those data. In the
  PRISM Alignment Dataset, texts written by people are under CC BY 4.0 and responses of models under CC BY-NC 4.0.
- Answers are the output of the models that were trained or asked, and judges' replies that of the judges. The licence
  of each model and the terms of each service apply to them.
- The constitution, the questions and answers that were read (origin "read") keep the licence of their source.
"""

LIMITS = """# What this record shows, and what it cannot

## Shown by the record alone

Every event is bound to the one before it by SHA-256. A change, a reordering, a gap, a deletion inside the log, another
text or another artifact under a recorded name: each breaks the chain or a name, and `dempo verify` names the first
event. Quotas, inclusion probabilities, draws, weights and leaderboards can be computed again from the events.

## Not compared with the record

`report.html` and `plots/` are the exporter's rendering of the record. Nothing in `verify.py` compares them with it, nor
`config.toml`, this text, `LICENSES.md`, the metadata of the crate, and of `README.txt` more than the head: they may say
what the record does not. `dempo import` leaves all of them behind, and `dempo export` of the imported run makes them
anew from the record. Only `config.toml` is not made anew: what counts is the resolved configuration in the record's
first event.

## Shown only against something kept elsewhere

A record that was cut at its end, set back to an earlier state, or written anew from the first event is a whole chain
again. Only a head that was signed and kept elsewhere before, or the public key of the signer got from elsewhere, shows
that. The manifest and the public keys inside this bundle prove nothing about who made it: whoever changes the bundle
can change them too.

## Not shown

- Lies at the time of writing: the record says what the program was told, not what was true.
- An operator who holds the signing key and the machine.
- Runs that were made and never shown. Each folder of runs keeps a registry that narrows this; no bundle has it.
- A judge or another model that was changed behind its API. Its recorded replies are the record.
- Which model wrote answers that were read from a file (origin "read"). The record has them, and the file's SHA-256.
- Checkpoints. They are left out of a bundle; the events name their files by SHA-256.

## About people

Raters appear under pseudonyms: HMACs under a secret that stays with the operator. That is pseudonymous, not anonymous:
whoever knows a rater's attributes may find their line.
"""

REDACTED = """
## What was withheld here

This bundle was made with `--redact`.

- No text is in it: `audit.db` holds no bodies of texts. The chain still verifies; checks that need a text say
  "withheld".
- Whatever leads back to the source of the data was left out: the order of the source's ids, the files of the pairs,
  of the schedules and of the reference, which are numbered in that order, paths, and why an engine ended. Lists of
  raters are in the order of their pseudonyms. The check of the schedules says "withheld".
- The SHA-256 of every text remains. Whoever can guess a text exactly can confirm the guess: texts that are short or
  public, such as questions, are hidden from nobody who looks for them. Parts about people and sources carry a salt, so
  that no guess at them can be confirmed.
- Seeds remain. Whoever has the source of the data can draw again of which attributes a panel's members are, and so
  knows of everybody whose attributes nobody else has whether they are on it.
- The operator's words remain, and a judge's error or refusal where the event holds it as its `detail`.
- The note that something is withheld is the word of whoever made the bundle. It cannot be told apart from texts that
  were lost; the run's own record can.
"""

PSEUDONYMOUS = """\
- Pseudonyms, attributes, numbers of pairs and members of panels remain in `audit.db`; tables and report name nobody.
"""

AGGREGATED = """\
- Rows about people and about types of people were left out as well (`--k {k}`): pseudonyms, attributes, numbers of
  pairs, weights, members of panels, compositions and π by type. What remains: how many people of each category are in
  the pool and on each panel, how many have which π, how many people each condition has, how many people and pairs were
  left out for which reason, the levels of a lottery with the prices of its quotas, and the leaderboards. Quotas of
  panels are checked; certificate, types and draws say "withheld".
- Categories of fewer than {k} people in the pool, which are counted all the same: {few}.
"""


def limits(crowds: Crowds | None, k: int | None, few: Sequence[str], redacted: bool) -> str:
    """The statement of limits of a bundle.

    Args:
        crowds: how easily people can be told apart; None where there are none, or it is not known.
        few: categories of fewer than k people.
    """
    if not redacted:
        return LIMITS
    if k is not None:
        listed = ", ".join(visible(category) for category in few) or "none"
        return LIMITS + REDACTED + AGGREGATED.format(k=k, few=listed)
    return LIMITS + REDACTED + PSEUDONYMOUS + ("" if crowds is None else _told_apart(crowds))


def _told_apart(crowds: Crowds) -> str:
    named = {
        "attributes": crowds.by_attributes,
        "attributes and locale": crowds.with_locale,
        "attributes, locale and number of pairs": crowds.with_pairs,
    }
    rows = [
        f"| {what} | {crowd.alone} of {crowd.people} | {crowd.among_few} | {crowd.smallest} |"
        for what, crowd in named.items()
    ]
    head = (
        "\nHow easily the people of this pool are told apart by what this bundle says of them:\n\n"
        f"| known of a person | alone in it | in groups below {FEW} | smallest group |\n|---|---|---|---|\n"
    )
    return head + "\n".join(rows) + "\n\nTo publish it, use `dempo export --redact --k 5`.\n"
