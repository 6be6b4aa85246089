"""Views of what was found about the judges: between questions, clauses and juries, and beside people."""

from __future__ import annotations

from storage.record.views.sql_parts import Views, recorded

OF_DIAGNOSTICS: Views = {
    "judge_diagnostics": (
        recorded("diagnostics.computed"),
        """SELECT d.key AS name, d.value AS value FROM m, json_each(m.p, '$.values') d""",
    ),
}


OF_JUDGES: Views = {
    "question_agreement": (
        recorded("question_agreement.computed"),
        """SELECT r.value->>'$.question_id' AS question_id, r.value->>'$.clause_id' AS clause_id,
  r.value->>'$.rankings' AS rankings, r.value->>'$.kendall_tau' AS kendall_tau,
  r.value->>'$.top1_agreement' AS top1_agreement, r.value->>'$.top1_margin' AS top1_margin
FROM m, json_each(m.p, '$.rows') r ORDER BY 4, 5, 6, m.seq, r.key""",
    ),
    "clause_scores": (
        recorded("clauses.scored"),
        """SELECT r.value->>'$.clause_id' AS clause_id, c.value->>'$.condition' AS condition,
  c.value->>'$.borda' AS borda, c.value->>'$.firsts' AS firsts, r.value->>'$.rankings' AS rankings
FROM m, json_each(m.p, '$.rows') r, json_each(r.value, '$.conditions') c""",
    ),
    "clause_leaders": (
        recorded("clauses.scored"),
        """SELECT r.value->>'$.clause_id' AS clause_id,
  (SELECT group_concat(l.value, ' = ') FROM json_each(r.value, '$.leaders') l) AS leader,
  r.value->>'$.difficulty' AS difficulty, r.value->>'$.kendall_tau' AS kendall_tau
FROM m, json_each(m.p, '$.rows') r""",
    ),
    "length_controlled": (
        recorded("length_controlled.computed"),
        """SELECT r.value->>'$.condition' AS condition, r.value->>'$.ability' AS ability, r.value->>'$.error' AS error,
  r.value->>'$.win_rate' AS win_rate, r.value->>'$.raw_win_rate' AS raw_win_rate, m.p->>'$.length' AS length,
  m.p->>'$.length_error' AS length_error, m.p->>'$.problem' AS problem
FROM m LEFT JOIN json_each(m.p, '$.rows') r""",
    ),
    "jury_leaderboards": (
        recorded("jury.board"),
        """SELECT m.p->>'$.method' AS method, m.p->>'$.judge' AS judge, m.p->>'$.without' AS without,
  r.value->>'$.condition' AS condition, r.value->>'$.score' AS score, r.value->>'$.low' AS low,
  r.value->>'$.high' AS high, r.value->>'$.position' AS position, m.p->>'$.rankings' AS rankings,
  m.p->>'$.units' AS units, m.p->>'$.changes_winner' AS changes_winner
FROM m, json_each(m.p, '$.rows') r""",
    ),
    "judge_agreement": (
        recorded("agreement.computed"),
        """SELECT r.value->>'$.name' AS name, r.value->>'$.value' AS value, r.value->>'$.low' AS low,
  r.value->>'$.high' AS high
FROM m, json_each(m.p, '$.rows') r""",
    ),
}


OF_PEOPLE: Views = {
    "gold_rankings": (
        recorded("gold.read"),
        """SELECT g.value->>'$.question_id' AS question_id, g.value->>'$.person' AS person, r.key + 1 AS position,
  r.value AS condition
FROM m, json_each(m.p, '$.rankings') g, json_each(g.value, '$.ranking') r""",
    ),
}


OF_AGREEMENT_WITH_PEOPLE: Views = {
    "gold_agreement": (
        recorded("gold.compared"),
        """SELECT r.value->>'$.judge' AS judge, r.value->>'$.measure' AS measure, r.value->>'$.value' AS value,
  r.value->>'$.low' AS low, r.value->>'$.high' AS high, r.value->>'$.chance' AS chance,
  r.value->>'$.questions' AS questions
FROM m, json_each(m.p, '$.rows') r""",
    ),
}
