"""Pools from CSV files: what an organiser writes is read as meant, or refused with the place and a remedy."""

from __future__ import annotations

import hashlib
import json
import stat
from pathlib import Path

import pytest
from memory_recorder import MemoryRecorder, make_context
from orderly import keep_orderly_secret
from sortition_pools import bounds_of

from core.config import RunConfig
from core.config_file import load_config, parse_config
from core.data import stage
from core.data.tables import Tables, read_tables, require_sums
from core.errors import InfeasibleQuotas, InputError
from core.events import PoolBuilt
from core.pipeline import STAGES
from core.preflight import preflight
from core.types import Pool

ROOT = Path(__file__).parent.parent
POOLS = ROOT.parent / "shared" / "data" / "pools"

PEOPLE = "id,name,gender,age\nb2,Bo,m,old\na1,Ann,w,young\nc3,Cy,m,young\nd4,Di,w,old\n"
QUOTAS = "feature,value,min,max\ngender,w,1,2\ngender,m,1,2\nage,young,1,2\nage,old,0,2\n"


def config(folder: Path, more: str = "", size: int = 2) -> RunConfig:
    return parse_config(
        f"""
[run]
name = "t"
[data]
format = "tables"
respondents = "{folder / "people.csv"}"
quotas = "{folder / "quotas.csv"}"
{more}
[[lotteries]]
name = "main"
size = {size}
"""
    ).config


def written(
    folder: Path,
    people: str | bytes = PEOPLE,
    quotas: str | bytes = QUOTAS,
    responses: str | bytes | None = None,
    id_column: str | None = "id",
) -> RunConfig:
    folder.mkdir(exist_ok=True)
    for name, body in (("people", people), ("quotas", quotas), ("responses", responses)):
        if body is not None:
            (folder / f"{name}.csv").write_bytes(body.encode() if isinstance(body, str) else body)
    more = f'id_column = "{id_column}"\n' if id_column else ""
    if responses is not None:
        more += f'responses = "{folder / "responses.csv"}"\n'
    return config(folder, more)


def read(folder: Path, **files: str | bytes | None) -> Tables:
    return read_tables(written(folder, **files).data)  # type: ignore[arg-type]


def refused(folder: Path, **files: str | bytes | None) -> str:
    settings = written(folder, **files)  # type: ignore[arg-type]
    with pytest.raises(InputError) as caught:
        preflight(settings)
    assert caught.value.exit_code == 2
    return str(caught.value)


# ---------------------------------------------------------------- what is read


def test_people_are_in_the_order_of_their_ids_and_bounds_in_that_of_the_file(tmp_path: Path) -> None:
    tables = read(tmp_path)
    assert [(p.source_id, p.categories) for p in tables.people] == [
        ("a1", ("w", "young")),
        ("b2", ("m", "old")),
        ("c3", ("m", "young")),
        ("d4", ("w", "old")),
    ]
    assert tables.bounds == (
        bounds_of("gender", "w", 1, 2),
        bounds_of("gender", "m", 1, 2),
        bounds_of("age", "young", 1, 2),
        bounds_of("age", "old", 0, 2),
    )
    assert (tables.seated, tables.declined, tables.notes()) == (0, 0, ())
    assert [(f.name, f.rows, f.bytes, f.sha256) for f in tables.files] == [
        ("people.csv", 4, len(PEOPLE), hashlib.sha256(PEOPLE.encode()).hexdigest()),
        ("quotas.csv", 4, len(QUOTAS), hashlib.sha256(QUOTAS.encode()).hexdigest()),
    ]


@pytest.mark.parametrize(
    "header",
    [
        "category,feature",
        "category,name",
        "Category,Name",
        "category,category value",
        "category,category_value",
        "category,category-value",
    ],
)
def test_all_kinds_of_quota_files_say_the_same(tmp_path: Path, header: str) -> None:
    other = QUOTAS.replace("feature,value", header)
    assert read(tmp_path / "a").bounds == read(tmp_path / "b", quotas=other).bounds


def test_columns_that_other_tools_put_beside_are_ignored_with_a_note(tmp_path: Path) -> None:
    """The header of OpenDLP and of the spreadsheets of the field; only min and max are quotas."""
    lines = [line.split(",") for line in QUOTAS.splitlines()[1:]]
    rows = "".join(f"{a},{c},,7,x,{least},{most}\n" for a, c, least, most in lines)
    settings = written(tmp_path / "b", quotas=f"category,name,suggest min,suggest max,Current #,min,max\n{rows}")
    assert read_tables(settings.data).bounds == read(tmp_path / "a").bounds
    (note,) = preflight(settings)
    assert note.endswith("the columns 'suggest min', 'suggest max', 'Current #' are ignored; min and max count")


def test_whole_numbers_that_a_data_frame_wrote_with_a_point_are_read(tmp_path: Path) -> None:
    pointed = QUOTAS.replace("1,2", "1.0,2.00")
    assert read(tmp_path / "a").bounds == read(tmp_path / "b", quotas=pointed).bounds


def test_flex_columns_are_ignored_with_a_note(tmp_path: Path) -> None:
    flex = "Feature,VALUE,Min,MAX,min_flex,max_flex\ngender,w,1,2,0,9\ngender,m,1,2,x,\n"
    settings = written(tmp_path, quotas=flex)
    assert [b.upper for b in read_tables(settings.data).bounds] == [2, 2]
    (note,) = preflight(settings)
    assert note.endswith("the columns 'min_flex', 'max_flex' are ignored; min and max count")


@pytest.mark.parametrize(
    "change",
    [
        lambda text: "\ufeff" + text,
        lambda text: text.replace(",", ";"),
        lambda text: text.replace("\n", "\r\n"),
        lambda text: text.replace("\n", "\r"),
        lambda text: text.replace("\n", "\n\n"),
        lambda text: "\n \n" + text.rstrip("\n"),
        lambda text: text.replace(",", " , ").replace("\n", " \n"),
        lambda text: text.replace("w", '"w"').replace("age", '"age"'),
        lambda text: text.replace("w", ' "w" '),
        lambda text: text.replace("\n", ",,\n"),
        lambda text: text + ",,,\n",
        lambda text: text.replace(",", "\t"),
        lambda text: "\ufeffsep=;\r\n" + text.replace(",", ";"),
        lambda text: "\nSEP=\t\n" + text.replace(",", "\t"),
        lambda text: '"sep=,"\n' + text,
    ],
    ids=[
        *("bom", "semicolon", "crlf", "cr", "blank", "no-end", "spaces", "quotes", "quoted-spaces", "tails", "commas"),
        *("tab", "sep-semicolon", "sep-tab", "sep-quoted"),
    ],
)
def test_what_spreadsheets_write_is_read_alike(tmp_path: Path, change: object) -> None:
    plain = read(tmp_path / "plain")
    other = read(tmp_path / "other", people=change(PEOPLE), quotas=change(QUOTAS))  # type: ignore[operator]
    assert (other.people, other.bounds) == (plain.people, plain.bounds)
    assert [f.rows for f in other.files] == [4, 4]


def test_quoted_cells_hold_separators_quotes_and_line_ends(tmp_path: Path) -> None:
    people = 'id,note,g\n1,"a, b\n""c"" d","x, y"\n2,,"z ""q"""\n'
    tables = read(tmp_path, people=people, quotas='category,feature,min,max\ng,"x, y",0,1\ng,"z ""q""",0,1\n')
    assert [p.categories for p in tables.people] == [("x, y",), ('z "q"',)]
    text = refused(tmp_path, people=people, quotas='category,feature,min,max\ng,"x, y",0,1\n')
    assert "people.csv, line 4, column 'g': 'z \"q\"' has no quota" in text


def test_cells_that_a_row_lacks_at_its_end_are_empty(tmp_path: Path) -> None:
    """Spreadsheets leave out trailing cells; that matters where an attribute is among them."""
    quotas = "feature,value,min,max\ngender,w,0,2\ngender,m,0,2\n"
    assert len(read(tmp_path, people="id,gender,note\n1,w\n2,m,x\n", quotas=quotas).people) == 2
    text = refused(tmp_path, people="id,note,gender\n1,x\n", quotas=quotas)
    assert "line 2, column 'gender': this cell is empty" in text


def test_people_without_ids_are_numbered_so_that_rows_keep_their_order(tmp_path: Path) -> None:
    people = "gender,age\n" + "w,young\n" * 9 + "\nm,old\n"
    tables = read(tmp_path, people=people, id_column=None)
    assert [p.source_id for p in tables.people] == [f"row {n:04d}" for n in range(1, 11)]
    assert tables.people[-1].categories == ("m", "old")
    many = read(tmp_path, people="gender,age\n" + "w,young\n" * 10001, id_column=None)
    assert (many.people[0].source_id, many.people[-1].source_id) == ("row 00001", "row 10001")


# ---------------------------------------------------------------- what is refused

OLD = PEOPLE.replace("d4,Di,w,old", "d4,Di,w,")


@pytest.mark.parametrize(
    ("files", "sentences"),
    [
        (
            {"people": PEOPLE.replace("gender", "sex")},
            ["people.csv, line 1: there is no column 'gender'", "line 2, has"],
        ),
        ({"people": PEOPLE.replace("gender", "Gender ")}, ["no column 'gender', did you mean 'Gender'?"]),
        ({"people": PEOPLE.replace("name", "age")}, ["line 1: two columns are called 'age'"]),
        ({"people": PEOPLE.replace("Cy,m", "Cy,M")}, ["line 4, column 'gender': 'M' has no quota, did you mean 'm'?"]),
        ({"people": PEOPLE.replace("Cy,m", "Cy,nb")}, ["'nb' has no quota (quotas are for: 'w', 'm')", "add a row"]),
        ({"people": OLD}, ["line 5, column 'age': this cell is empty (quotas are for: 'young', 'old')"]),
        ({"people": PEOPLE.replace("d4", "a1")}, ["line 5, column 'id': the same id stands in line 3; remove"]),
        ({"people": PEOPLE.replace("d4", "")}, ["line 5, column 'id': this cell is empty; every person needs an id"]),
        ({"people": PEOPLE.replace("Cy,", "Cy, Jr,")}, ["line 4: this row has 5 cells, but the header has 4"]),
        ({"people": PEOPLE.replace("Cy", '"Cy')}, ["people.csv, line 4: a quote opens in this row and never closes"]),
        ({"people": ""}, ["data.respondents", "people.csv is empty"]),
        ({"people": "\n\n"}, ["people.csv is empty"]),
        ({"people": "id,name,gender,age\n"}, ["people.csv has column names but no rows below them"]),
        ({"people": PEOPLE.encode("utf-16")}, ["people.csv is UTF-16 text; save it as 'CSV UTF-8'"]),
        ({"people": PEOPLE.replace("Cy", "Cÿ").encode("latin-1")}, ["people.csv, line 4: byte 5 is not UTF-8"]),
        (
            {"people": b"PK\x03\x04 and so on"},
            ["people.csv is a spreadsheet (.xlsx, .ods) or another zip", "save it as 'CSV UTF-8'"],
        ),
        ({"people": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\0"}, ["people.csv is an old Excel workbook (.xls), not a CSV"]),
        ({"people": "sep=|\n" + PEOPLE}, ["people.csv, line 1: cells are said to be separated by '|'; save the file"]),
        ({"people": '"' + "x" * 200_000 + PEOPLE}, ["people.csv, line 1: this is no CSV (field larger than"]),
        ({"id_column": "ID"}, ["there is no column 'ID', did you mean 'id'?"]),
        ({"quotas": ""}, ["data.quotas", "quotas.csv is empty"]),
        ({"quotas": "feature,value,min,max\n"}, ["quotas.csv has column names but no rows"]),
        (
            {"quotas": QUOTAS.replace("value", "val")},
            ["line 1: the columns are 'feature', 'val'", "quotas need category,name,min,max, or category,feature,min"],
        ),
        ({"quotas": QUOTAS.replace("max", "most")}, ["quotas need category", "feature,value,min,max (attribute"]),
        (
            {"quotas": QUOTAS.replace("feature,value", "category,name").replace("min,max", "min,max,feature", 1)},
            ["line 1: attribute and value may stand under category,name or category,feature, so it is not clear which"],
        ),
        (
            {"quotas": QUOTAS.replace("w,1,2", "w,3,2")},
            ["line 2, column 'min': min is 3 but max is 2 for 'gender' 'w'"],
        ),
        ({"quotas": QUOTAS.replace("w,1,2", "w,-1,2")}, ["line 2, column 'min': '-1' is negative"]),
        ({"quotas": QUOTAS.replace("w,1,2", "w,1,2.5")}, ["line 2, column 'max': '2.5' is not a whole number from 0"]),
        ({"quotas": QUOTAS.replace("w,1,2", "w,1,²")}, ["'²' is not a whole number"]),
        ({"quotas": QUOTAS.replace("w,1,2", "w,1," + "9" * 5000)}, ["is not a whole number"]),
        ({"quotas": QUOTAS.replace("w,1,2", "w,,2")}, ["line 2, column 'min': this cell is empty; write how many"]),
        ({"quotas": QUOTAS.replace("gender,w", "gender,")}, ["line 2, column 'value': this cell is empty"]),
        ({"quotas": QUOTAS + "gender,w,0,1\n"}, ["line 6: 'gender' 'w' has a quota in line 2 already"]),
        ({"quotas": QUOTAS + "a: b,c,0,1\na,b: c,0,1\n"}, ["line 7: 'a' 'b: c' cannot be told from another row"]),
    ],
)
def test_wrong_tables_are_refused_with_place_and_remedy(
    tmp_path: Path, files: dict[str, str | bytes], sentences: list[str]
) -> None:
    text = refused(tmp_path, **files)
    for sentence in sentences:
        assert sentence in text


def test_the_line_of_a_cell_is_counted_from_the_top_of_the_file(tmp_path: Path) -> None:
    people = "sep=;\n" + PEOPLE.replace(",", ";").replace("Cy;m", '"Cy\nJr";M')
    assert "people.csv, line 5, column 'gender': 'M' has no quota" in refused(tmp_path, people=people)
    assert "people.csv, line 2: there is no column 'gender'" in refused(
        tmp_path, people=people.replace("gender", "sex")
    )


def test_cells_that_cannot_be_used_are_told_at_one_go(tmp_path: Path) -> None:
    """One at a time, an organiser exports and starts once for every wrong cell."""
    people = PEOPLE.replace("Bo,m", "Bo,M").replace("Cy,m", "Cy,M").replace("d4,Di,w,old", "a1,Di,w,")
    assert refused(tmp_path, people=people).split("\n") == [
        f"{tmp_path / 'people.csv'}: 4 cells cannot be used",
        "  line 5, column 'id': the same id stands in line 3; remove the row, or give each person an own id",
        "  lines 2 and 4, column 'gender': 'M' has no quota, did you mean 'm'? (quotas are for: 'w', 'm'); correct the "
        "cell, or add a row to the quotas",
        "  line 5, column 'age': this cell is empty (quotas are for: 'young', 'old'); correct the cell, or add a row "
        "to the quotas",
    ]


def test_a_message_tells_ten_kinds_and_ten_lines_at_most(tmp_path: Path) -> None:
    rows = [f"x{n},,{'M' if n < 15 else f'kind {n}'},old\n" for n in range(40)]
    lines = refused(tmp_path, people=PEOPLE + "".join(rows)).split("\n")
    assert lines[0].endswith("people.csv: 40 cells cannot be used")
    assert lines[1].startswith(
        "  lines 6, 7, 8, 9, 10, 11, 12, 13, 14, 15 and 5 more, column 'gender': 'M' has no quota"
    )
    assert lines[2].startswith("  line 21, column 'gender': 'kind 15' has no quota")
    assert (len(lines), lines[-1]) == (12, "  and 16 more kinds")


def test_wrong_quotas_and_answers_are_told_at_one_go(tmp_path: Path) -> None:
    quotas = QUOTAS.replace("w,1,2", "w,x,").replace("old,0,2", "old,3,2") + "gender,m,0,1\n"
    text = refused(tmp_path / "quotas", quotas=quotas)
    for part in (
        "quotas.csv: 4 cells cannot be used",
        "\n  line 2, column 'min': 'x' is not a whole number from 0; write how many members",
        "\n  line 2, column 'max': this cell is empty; write how many members",
        "\n  line 5, column 'min': min is 3 but max is 2 for 'age' 'old'",
        "\n  line 6: 'gender' 'm' has a quota in line 3 already; keep one of the two rows",
    ):
        assert part in text
    text = refused(tmp_path / "answers", responses="id,status\nzz,yes\na1,maybe\nb2,no\nb2,yes\n")
    for part in ("line 2, column 'id': nobody in ", "line 3, column 'status': 'maybe'", "line 5: the same person gave"):
        assert f"\n  {part}" in text


def test_files_that_are_missing_or_folders_are_refused(tmp_path: Path) -> None:
    settings = written(tmp_path)
    (tmp_path / "people.csv").unlink()
    with pytest.raises(InputError, match=r"data\.respondents: cannot read .*people\.csv: No such file"):
        preflight(settings)
    (tmp_path / "people.csv").mkdir()
    with pytest.raises(InputError, match=r"data\.respondents: .*people\.csv is a folder; name the CSV file in it"):
        preflight(settings)


def test_hostile_text_is_escaped_and_cut(tmp_path: Path) -> None:
    text = refused(tmp_path, people=PEOPLE.replace("Cy,m", "Cy,\x1b[31m\u202e" + "x" * 500))
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "'\\x1b[31m\\u202exxx" in text
    assert len(text) < 400


def test_no_message_holds_an_id(tmp_path: Path) -> None:
    """Messages end up in the record; who the people are does not."""
    for files in (
        {"people": PEOPLE.replace("d4", "a1")},
        {"responses": "id,status\nzz9,yes\n"},
        {"responses": "id,status\na1,yes\na1,no\n"},
    ):
        text = refused(tmp_path, **files).replace(str(tmp_path), "")
        assert "a1" not in text
        assert "zz9" not in text


# ---------------------------------------------------------------- sums and sizes


@pytest.mark.parametrize(
    ("quotas", "size", "sentence"),
    [
        (
            QUOTAS.replace("w,1,2", "w,2,2"),
            2,
            "(lines 2 to 3) the categories of 'gender' ask for at least 3 people, but there are 2 seats. "
            "Lower some of their min, or choose another size; `dempo feasible` says which exist.",
        ),
        (
            QUOTAS,
            5,
            "the categories of 'gender' allow at most 4 people, but there are 5 seats. "
            "Raise some of their max, or choose another size; `dempo feasible` says which exist.",
        ),
    ],
)
def test_sums_that_cannot_be_are_said_before_a_run_begins(
    tmp_path: Path, quotas: str, size: int, sentence: str
) -> None:
    written(tmp_path, quotas=quotas)
    with pytest.raises(InfeasibleQuotas) as caught:
        preflight(config(tmp_path, size=size))
    assert sentence in str(caught.value)
    assert caught.value.exit_code == 3
    assert caught.value.details["size"] == size
    assert [row["category"] for row in caught.value.details["conflict"]] == ["w", "m"]
    assert caught.value.details["single_changes"] is None


# ---------------------------------------------------------------- responses


def test_who_accepted_keeps_a_seat_and_who_declined_leaves(tmp_path: Path) -> None:
    tables = read(tmp_path, responses="ID;Status\nb2;Accepted\na1;NO\nb2;yes\n")
    assert [p.source_id for p in tables.people] == ["c3", "d4"]
    assert (tables.seated, tables.declined) == (1, 1)
    assert tables.bounds == (
        bounds_of("gender", "w", 1, 2),
        bounds_of("gender", "m", 0, 1),
        bounds_of("age", "young", 1, 2),
        bounds_of("age", "old", 0, 1),
    )
    assert [f.name for f in tables.files] == ["people.csv", "quotas.csv", "responses.csv"]


def test_rows_without_ids_are_answered_by_their_number(tmp_path: Path) -> None:
    tables = read(tmp_path, responses="id,status\nrow 0002,accepted\n", id_column=None)
    assert [p.source_id for p in tables.people] == ["row 0001", "row 0003", "row 0004"]


@pytest.mark.parametrize("column", ["number", "source id", "Id"])
def test_responses_may_call_the_column_as_the_respondents_do(tmp_path: Path, column: str) -> None:
    people, responses = PEOPLE.replace("id,", "number,"), f"{column},status\na1,declined\n"
    assert read(tmp_path, people=people, responses=responses, id_column="number").declined == 1


@pytest.mark.parametrize(
    ("responses", "sentence"),
    [
        ("id,status\na1,maybe\n", "line 2, column 'status': 'maybe' is no answer; write one of accepted, accept, yes"),
        ("id,status\na1,\n", "this cell is empty; write one of accepted"),
        ("id,status\nzz,yes\n", "line 2, column 'id': nobody in "),
        ("id,status\n,yes\n", "this cell is empty; nobody in "),
        ("id,status\na1,yes\nb2,no\na1,no\n", "line 4: the same person gave another answer in line 2"),
        ("id,answer\na1,yes\n", "there is no column 'status'"),
        ("person,status\na1,yes\n", "there is no column 'id'"),
        ("id,status\n", "has column names but no rows"),
    ],
)
def test_wrong_responses_are_refused_with_place_and_remedy(tmp_path: Path, responses: str, sentence: str) -> None:
    assert sentence in refused(tmp_path, responses=responses)


def test_more_accepted_than_a_quota_allows(tmp_path: Path) -> None:
    settings = written(tmp_path, quotas=QUOTAS.replace("w,1,2", "w,1,1"), responses="id,status\na1,yes\nd4,yes\n")
    with pytest.raises(
        InfeasibleQuotas, match=r"quotas.csv, line 2: 2 people with 'gender' 'w' accepted, but max is 1"
    ):
        preflight(settings)


def test_seats_that_are_taken_count_in_the_sums(tmp_path: Path) -> None:
    tables = read(tmp_path, responses="id,status\nb2,yes\nc3,yes\n")
    require_sums(tables, "main", 3)
    with pytest.raises(InputError, match="2 people accepted, and the panel has 2 seats; there is nobody left to draw"):
        require_sums(tables, "main", 2)
    with pytest.raises(InfeasibleQuotas, match=r"at most 2 people, but there are 3 seats left \(2 of 5 are taken\)"):
        require_sums(tables, "main", 5)


# ---------------------------------------------------------------- stage and configuration


def pool(settings: RunConfig, root: Path, recorder: MemoryRecorder) -> Pool:
    keep_orderly_secret(root, ("a1", "b2", "c3", "d4"))
    return stage.pool(make_context("pool", settings, root, recorder), ())


def test_the_pool_is_what_was_recorded_and_holds_no_personal_data(tmp_path: Path) -> None:
    recorder = MemoryRecorder()
    settings = written(tmp_path / "data", responses="id,status\nb2,declined\n")
    made = pool(settings, tmp_path / "run", recorder)
    (built,) = recorder.of_kind(PoolBuilt)
    # The quotas list w before m and young before old, so neither order is alphabetical.
    assert made.types == (("w", "young"), ("w", "old"), ("m", "young"))
    assert (made.type_of, made.pairs, made.rater) == ((0, 2, 1), (0, 0, 0), (0, 1, 2))
    assert dict(made.raters[1].attributes) == {"gender": "m", "age": "young"}
    assert made.bounds == read_tables(settings.data).bounds
    assert (built.seated, built.declined, built.survey_only) == (0, 1, 0)
    record = json.dumps([event.payload() for _, event, _ in recorder.events])
    for secret in ("Ann", "Cy", '"a1"', '"c3"'):
        assert secret not in record
    raters = tmp_path / "run" / "private" / "raters.csv"
    assert stat.S_IMODE(raters.stat().st_mode) == 0o600
    ids = [line.split(",") for line in raters.read_text().splitlines()]
    assert ids == [
        ["rater_id", "source_id"],
        *[[r.rater_id, i] for r, i in zip(made.raters, ("a1", "c3", "d4"), strict=True)],
    ]


def test_a_second_engine_takes_the_pool_from_the_record(tmp_path: Path) -> None:
    recorder = MemoryRecorder()
    settings = written(tmp_path / "data")
    first = pool(settings, tmp_path / "run", recorder)
    (tmp_path / "data" / "people.csv").unlink()
    assert pool(settings, tmp_path / "run", recorder) == first
    assert len(recorder.of_kind(PoolBuilt)) == 1


def test_a_pool_without_a_run_is_the_same_but_for_names(tmp_path: Path) -> None:
    settings = written(tmp_path / "data")
    made, seen = pool(settings, tmp_path / "run", MemoryRecorder()), stage.read_pool(settings)
    assert (seen.types, seen.type_of, seen.bounds) == (made.types, made.type_of, made.bounds)
    assert sorted(path.name for path in (tmp_path / "data").iterdir()) == ["people.csv", "quotas.csv"]


def test_pairs_are_skipped_and_the_pool_depends_on_the_data(tmp_path: Path) -> None:
    by_name = {row.name: row for row in STAGES}
    assert by_name["pairs"].skip(written(tmp_path)) == "only_people"
    assert "data" in by_name["pool"].config
    prism = load_config(ROOT / "examples" / "prism-us.toml").config
    assert by_name["pairs"].skip(prism) is None


@pytest.mark.parametrize(
    ("override", "sentence"),
    [
        ("data.path=x", "path belongs to format = 'prism', but format is 'tables'; remove one"),
        ("data.delta=0.5", "delta belongs to format = 'prism'"),
        ("data.format=prism", "respondents belongs to format = 'tables', but format is 'prism'"),
        (
            'population={attributes=[{name="age",column="age",targets={old=1}}]}',
            "data.format = 'tables' takes attributes and quotas from data.quotas; remove [[population.attributes]]",
        ),
        ('conditions=[{name="all",source="all"}]', "nothing to train on or to judge; remove conditions"),
        ('train={model="tiny",batch=4,micro_batch=4}', "nothing to train on or to judge; remove train"),
    ],
)
def test_a_configuration_that_mixes_formats_is_refused(tmp_path: Path, override: str, sentence: str) -> None:
    with pytest.raises(InputError) as caught:
        load_config(ROOT / "examples" / "assembly.toml", [override])
    assert sentence in str(caught.value)


def test_tables_need_both_files() -> None:
    with pytest.raises(InputError, match="needs two CSV files: respondents and quotas not given"):
        parse_config('[run]\nname="t"\n[data]\nformat="tables"\n')


def test_the_example_is_feasible() -> None:
    settings = load_config(ROOT / "examples" / "assembly.toml").config
    assert preflight(settings) == ()
    tables = read_tables(settings.data)
    assert (len(tables.people), len(tables.quotas.attributes())) == (60, 4)


# ---------------------------------------------------------------- public pools


@pytest.mark.skipif(not POOLS.exists(), reason="the public pools are not part of the repository")
@pytest.mark.parametrize(
    ("respondents", "quotas", "people", "attributes", "size"),
    [
        ("fixture_22_candidates", "fixture_22_features", 150, 4, 22),
        ("example_small_20_respondents", "example_small_20_categories", 200, 2, 20),
        ("example_large_200_respondents", "example_large_200_categories", 2000, 2, 200),
    ],
)
def test_public_pools_are_read_and_feasible(
    respondents: str, quotas: str, people: int, attributes: int, size: int
) -> None:
    from core.sortition.quotas.conflicts import require_panel
    from core.sortition.quotas.sizes import problems_of

    text = (
        f'[run]\nname="t"\n[data]\nformat="tables"\nrespondents="{POOLS / respondents}.csv"\n'
        f'quotas="{POOLS / quotas}.csv"\n[[lotteries]]\nname="main"\nsize={size}\n'
    )
    settings = parse_config(text).config
    notes = preflight(settings)
    assert len(notes) == (1 if "fixture" in quotas else 0)
    made = stage.read_pool(settings)
    assert (len(made.raters), len(made.attributes)) == (people, attributes)
    panel = require_panel(problems_of(made, (), settings.lotteries[0].tolerance)(size))
    assert sum(panel) == size
