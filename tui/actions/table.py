"""Every action of the app, once: bindings, footer, help, palette and docs/app.md are made from this table."""

from __future__ import annotations

from tui.actions.action import Action

_ANY_RUN = ("runs", "run")
_NEW = "dempo run CONFIG --set KEY=VALUE --detach"
_CHOOSERS = ("palette", "choose")
_TURNED = ("quotas", "draw", "leaderboards")
_LISTS = ("quotas", "draw", "rankings", "leaderboards", "record")


def _tab(number: str, key: str, words: str) -> Action:
    return Action(f"tab.{key}", f"open_tab('{key}')", number, key.capitalize(), words, ("run",), footer=False)


ACTIONS: tuple[Action, ...] = (
    # lists and texts
    Action(
        "move",
        "",
        "",
        "Move",
        "in a list or a text; ← → where it is wider",
        ("list",),
        shown="↑ ↓ PgUp PgDn Home End",
        footer=False,
    ),
    Action(
        "focus", "", "", "Focus", "from a list to the text beside it, and back", ("list",), shown="Tab", footer=False
    ),
    # the list of runs
    Action(
        "runs.open",
        "open",
        "enter",
        "Open",
        "the run under the cursor",
        ("runs",),
        shown="Enter",
        twin="dempo show RUN",
    ),
    Action(
        "runs.search",
        "search",
        "slash",
        "Search",
        "the next run whose row or id holds a text",
        ("runs",),
        shown="/",
        footer=False,
    ),
    Action("runs.filter", "filter", "f", "Filter", "only runs with a text or in a state", ("runs",), footer=False),
    Action("runs.sort", "sort", "o", "Sort", "by name, state, progress …, up or down", ("runs",), footer=False),
    # a run and the list of runs
    Action("run.back", "back", "escape", "Back", "to now, and then to the list of runs", ("run",), shown="Esc"),
    Action(
        "run.new",
        "new",
        "n",
        "New run",
        "a form on an example, a file or a run",
        _ANY_RUN,
        twin=_NEW,
        quiet=("run",),
    ),
    Action(
        "run.clone",
        "clone",
        "c",
        "Clone",
        "the form on the configuration of this run",
        _ANY_RUN,
        twin="dempo clone RUN --set KEY=VALUE --detach",
        footer=False,
    ),
    Action(
        "runs.demo",
        "demo",
        "d",
        "Demo",
        "a whole run on a small simulated world",
        ("runs",),
        twin="dempo demo --detach",
        footer=False,
    ),
    Action(
        "run.stop",
        "stop",
        "s",
        "Stop",
        "its engine at the next safe point; asks first",
        _ANY_RUN,
        twin="dempo stop RUN",
        explains=True,
    ),
    Action(
        "run.resume",
        "resume",
        "r",
        "Resume",
        "start an engine on a run that has none",
        _ANY_RUN,
        twin="dempo resume RUN --detach",
        explains=True,
    ),
    # what is done to a run by a command of its own
    Action(
        "job.verify",
        "verify",
        "v",
        "Verify",
        "check its record; nothing is written",
        _ANY_RUN,
        twin="dempo verify RUN",
        quiet=("run",),
    ),
    Action(
        "job.replay",
        "replay",
        "R",
        "Replay",
        "repeat stages beside the record; asks which",
        _ANY_RUN,
        twin="dempo replay RUN --stage STAGE",
        footer=False,
    ),
    Action(
        "job.export",
        "export",
        "e",
        "Export",
        "as one zip; asks where to, and what stays out",
        _ANY_RUN,
        twin="dempo export RUN --to FILE",
        footer=False,
    ),
    Action(
        "job.import",
        "import",
        "i",
        "Import",
        "somebody's bundle, once it is checked",
        ("runs",),
        twin="dempo import BUNDLE",
        footer=False,
    ),
    Action(
        "job.remove",
        "remove",
        "D",
        "Delete",
        "a run for good; its id has to be typed",
        ("runs",),
        twin="dempo remove RUN --yes",
        footer=False,
    ),
    Action("job.back", "back", "escape", "Back", "the command goes on", ("job",), shown="Esc"),
    Action(
        "job.cancel",
        "cancel",
        "k",
        "Cancel",
        "end the command; asks first",
        ("job",),
        explains=True,
    ),
    # a run
    Action(
        "run.previous",
        "turn(-1)",
        "left_square_bracket",
        "Previous",
        "lottery, draw or page",
        ("run",),
        tabs=_TURNED,
        shown="[",
    ),
    Action(
        "run.next",
        "turn(1)",
        "right_square_bracket",
        "Next",
        "lottery, draw or page",
        ("run",),
        tabs=_TURNED,
        shown="]",
    ),
    Action(
        "run.flip",
        "flip",
        "l",
        "Levels",
        "of LEXIMIN in place of quotas and plot",
        ("run",),
        tabs=("quotas",),
    ),
    Action(
        "run.zoom",
        "zoom",
        "z",
        "Zoom",
        "one plot in place of all else, and back",
        ("run",),
        tabs=("quotas", "training"),
    ),
    Action("training.alone", "alone", "a", "Alone", "one condition by turns, and all", ("run",), tabs=("training",)),
    Action(
        "training.smoother",
        "smooth(1)",
        "plus",
        "Smoother",
        "curves as means of more steps",
        ("run",),
        tabs=("training",),
        shown="+",
        footer=False,
    ),
    Action(
        "training.rougher",
        "smooth(-1)",
        "minus",
        "Rougher",
        "curves as means of fewer steps",
        ("run",),
        tabs=("training",),
        shown="-",
        footer=False,
    ),
    Action(
        "training.before",
        "shift(-1)",
        "left",
        "Steps before",
        "in a zoomed plot",
        ("run",),
        tabs=("training",),
        shown="←",
        footer=False,
    ),
    Action(
        "training.behind",
        "shift(1)",
        "right",
        "Steps behind",
        "in a zoomed plot",
        ("run",),
        tabs=("training",),
        shown="→",
        footer=False,
    ),
    Action(
        "run.travel",
        "travel",
        "t",
        "As of",
        "all tabs as of the event here, and back to now",
        ("run",),
        twin="dempo show RUN --as-of EVENT",
    ),
    Action(
        "run.go",
        "go",
        "g",
        "Event",
        "go to an event by its number",
        ("run",),
        twin="dempo show RUN --event EVENT",
        footer=False,
    ),
    Action(
        "list.search",
        "search",
        "slash",
        "Search",
        "the next row that holds a text",
        ("run",),
        tabs=_LISTS,
        shown="/",
        footer=False,
    ),
    Action(
        "list.filter",
        "filter",
        "f",
        "Filter",
        "only some rows: a stage or kind, a judge …",
        ("run",),
        tabs=_LISTS,
        twin="dempo show RUN --kind KIND",
        footer=False,
    ),
    Action("list.sort", "sort", "o", "Sort", "by a column, up or down", ("run",), tabs=_LISTS, footer=False),
    Action(
        "run.earlier",
        "step(-1)",
        "comma",
        "Earlier",
        "the event before, also as of an event",
        ("run",),
        shown=",",
        footer=False,
    ),
    Action(
        "run.later",
        "step(1)",
        "full_stop",
        "Later",
        "the event behind, also as of an event",
        ("run",),
        shown=".",
        footer=False,
    ),
    # the tabs of a run
    _tab("1", "overview", "stages, and what is recorded"),
    _tab("2", "quotas", "quotas, and everyone's chance"),
    _tab("3", "draw", "who was drawn, and how"),
    _tab("4", "training", "loss and margin of each condition"),
    _tab("5", "rankings", "judge calls, with all texts"),
    _tab("6", "leaderboards", "what ranking found"),
    _tab("7", "record", "the events as they were written"),
    # whatever is looked at
    Action("app.copy", "copy", "y", "Copy", "value, hash, command or path", (*_ANY_RUN, "job")),
    # the form that starts a run
    Action("start.copy", "copy", "y", "Copy", "value or command", ("start",), footer=False),
    Action("start.edit", "edit", "enter", "Change", "the value under the cursor", ("start",), shown="Enter"),
    Action("start.start", "start", "s", "Start", "create the run and start its engine", ("start",), twin=_NEW),
    Action("start.until", "until", "t", "Until", "the stage after which it ends", ("start",)),
    Action("start.find", "find", "slash", "Find", "the keys in which a word stands", ("start",), shown="/"),
    Action(
        "start.name", "name", "k", "Key", "give any key a value, completed as it is typed", ("start",), footer=False
    ),
    Action("start.undo", "undo", "u,backspace", "Undo", "the last change", ("start",), shown="u"),
    Action("start.undo_all", "undo_all", "U", "Undo all", "every change; u takes that back", ("start",), footer=False),
    Action("start.choose", "choose", "o", "From", "choose what to start from", ("start",)),
    Action(
        "start.leave",
        "leave",
        "escape,q",
        "Back",
        "without starting; asks where something changed",
        ("start",),
        shown="Esc",
    ),
    # everywhere
    Action(
        "app.palette",
        "command_palette",
        "ctrl+p",
        "Commands",
        "all commands by name",
        ("app",),
        shown="Ctrl+P",
        footer=False,
    ),
    Action(
        "app.help",
        "help",
        "question_mark,f1",
        "Help",
        "keys of this screen, and signs",
        ("app",),
        shown="?",
    ),
    Action("app.themes", "themes", "", "Theme", "choose colours from a list", ("app",)),
    Action("app.screenshot", "screenshot", "", "Screenshot", "keep the screen as an SVG file", ("app",)),
    Action(
        "app.interrupt",
        "interrupt",
        "ctrl+c",
        "Copy or quit",
        "what is selected, else how to quit",
        ("app",),
        shown="Ctrl+C",
        footer=False,
    ),
    Action("app.quit", "quit", "q", "Quit", "close the app; engines go on", ("app",)),
    # dialogs
    Action(
        "dialog.close",
        "dismiss",
        "escape",
        "Close",
        "without doing anything",
        ("palette", "ask", "choose", "copy", "ask_replay", "ask_export", "ask_import", "ask_removal"),
        shown="Esc",
    ),
    Action("help.close", "dismiss", "escape,q,question_mark,f1", "Close", "this page", ("help",), shown="Esc q ?"),
    Action("confirm.yes", "dismiss(True)", "y", "Yes", "do it", ("confirm",)),
    Action("confirm.no", "dismiss(False)", "n,escape", "No", "leave it", ("confirm",), shown="n Esc"),
    Action("copy.value", "take('v')", "v", "Value", "what the cursor is on", ("copy",)),
    Action("copy.hash", "take('h')", "h", "Hash", "of the event, or of the record's head", ("copy",)),
    Action("copy.command", "take('c')", "c", "Command", "that prints the same", ("copy",)),
    Action("copy.path", "take('p')", "p", "Path", "of the run's folder", ("copy",)),
    Action("choose.complete", "complete", "tab", "Complete", "the path under the cursor", ("choose",), shown="Tab"),
    Action(
        "palette.down", "move('cursor_down')", "down", "Down", "the next command", _CHOOSERS, shown="↓", footer=False
    ),
    Action("palette.up", "move('cursor_up')", "up", "Up", "the command before", _CHOOSERS, shown="↑", footer=False),
    Action(
        "palette.page_down",
        "move('page_down')",
        "pagedown",
        "Page down",
        "a page on",
        _CHOOSERS,
        shown="PgDn",
        footer=False,
    ),
    Action(
        "palette.page_up",
        "move('page_up')",
        "pageup",
        "Page up",
        "a page back",
        _CHOOSERS,
        shown="PgUp",
        footer=False,
    ),
)


def actions_of(*places: str, tab: str = "") -> list[Action]:
    """The actions of these places, in the order of the table; of a run those of one tab, where it is named."""
    return [
        action
        for action in ACTIONS
        if {*action.places} & {*places} and (not tab or not action.tabs or tab in action.tabs)
    ]


def labelled(action_id: str) -> Action:
    """An action by its id.

    Raises:
        KeyError: there is none.
    """
    return {action.id: action for action in ACTIONS}[action_id]


def key_of(action_id: str) -> str:
    """The key of an action as people write it, for a sentence.

    Raises:
        KeyError: there is none.
    """
    return labelled(action_id).key


def hint(*action_ids: str) -> str:
    """Actions with their keys on one line."""
    return "  ".join(f"{action.key} {action.label.lower()}" for action in map(labelled, action_ids))
