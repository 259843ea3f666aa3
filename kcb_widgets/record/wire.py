"""The wire: what goes between Python and the browser, as typed dictionaries.

``js/src/link/wire.js`` declares the same names and fields; ``tests/panels/test_wire.py`` compares the two files, and
real payloads with them. At run time nobody imports it: as in the browser, its types cost nothing. The file lies in the
lowest layer, as the record, steering and panels all make parts of these.
"""

from __future__ import annotations

from typing import Literal, NotRequired, TypedDict

from .values import Value

Scalar = float | str
"""A number; ``nan``, ``inf`` and ``-inf`` are texts, as JSON has no such numbers."""
Status = Literal[
    "waiting", "compiling", "running", "stopping", "paused", "finished", "stopped", "interrupted", "failed"
]
Phase = Literal["", "train", "validate"]
MessagePath = Literal["", "pump", "subshell", "main"]
StopPoint = Literal["", "batch", "epoch"]
ControlKind = Literal["number", "flag", "choice"]
ControlScale = Literal["linear", "log"]
ControlGroup = Literal["optimizer", "layers", "snapshots", "callbacks", "flow", "user"]
HookPhase = Literal["train", "test", "predict"]
TableName = Literal["batches", "epochs", "evaluations", "controls", "plan", "baseline"]
SeriesKind = Literal["train", "running", "epoch", "val", "eval", "control", "plan", "baseline"]

# -- the trait ``state`` -----------------------------------------------------------------------------------------------


class Flow(TypedDict):
    """Where the fit pauses and stops."""

    paused: bool
    until: int | Literal["epoch"] | None  # a step, or the end of the epoch
    stop: StopPoint


class Snapshot(TypedDict):
    """A state of the model that is kept."""

    id: str
    step: int
    epoch: int
    seconds: float
    kind: str  # manual, epoch, best or guard
    metric: str
    value: float | None
    bytes: int


class Button(TypedDict):
    """A button of the user's own."""

    name: str
    label: str


class Pump(TypedDict):
    """Whether messages arrive while a cell runs."""

    ok: bool
    reason: str  # why not


class CommandResult(TypedDict):
    """What became of a command."""

    id: str
    name: str
    value: NotRequired[Value]  # missing where the board itself refused it
    status: Literal["applied", "refused"]
    step: int | None
    message: str


class MetricBest(TypedDict):
    """The best value of a metric at an epoch's end."""

    metric: str
    value: float
    epoch: int  # 0-based
    step: int
    direction: Literal["min", "max"]  # which way is better


class NotFinite(TypedDict):
    """A metric that is not finite now, and the batch since which it is not."""

    name: str
    value: str
    step: int
    epoch: int  # 0-based
    batch: int | None  # 1-based, in the epoch; None where it came with the epoch's end


class AlertNow(TypedDict):
    """An alert that holds now."""

    name: str
    text: str
    bad: bool  # whether its level is ``error``


class Stall(TypedDict):
    """No batch ended for much longer than usual."""

    seconds: float
    waits_for: str  # a clause; empty where it is not known


class Kept(TypedDict):
    """Where a run is kept."""

    path: str  # the file, or the folder before its first batch
    every: float  # seconds between commits
    trouble: str  # why it cannot be kept now; empty where it is


class GroupFit(TypedDict):
    """A fit of a group."""

    run: str
    number: int  # 1 for the first of the group
    title: str
    status: Status
    value: Scalar | None  # of the group's metric, at the end of the last epoch
    kept: bool  # whether its run can be looked at


class FitGroup(TypedDict):
    """Fits that belong together."""

    name: str
    planned: int | None  # how many there will be
    number: int  # how many began
    remaining: float | None  # seconds to the end of the last
    metric: str
    counted: int  # fits that ended as they should, and have the metric
    mean: Scalar | None  # over these
    deviation: Scalar | None  # of a sample
    fits: list[GroupFit]  # the latest, oldest first


class Undoable(TypedDict):
    """The latest change that was made by hand and can be taken back."""

    name: str
    old: Value
    new: Value


class State(TypedDict):
    """Where the run stands, and what the board knows of its views."""

    run: str  # the id that commands carry
    title: str
    status: Status
    message: str
    phase: Phase
    epoch: int | None
    epochs: int | None
    initial_epoch: int
    batch: int
    batches: int | None
    test_batch: int
    test_batches: int | None
    step: int
    elapsed: float  # seconds
    ticking: bool  # whether ``elapsed`` grows
    remaining: float | None  # seconds
    ms_per_step: float | None
    batches_per_second: float | None
    samples_per_second: float | None
    values: dict[str, Scalar]  # by control
    flow: Flow
    snapshots: list[Snapshot]
    snapshot_bytes: int
    buttons: list[Button]
    can: dict[str, str]  # by action: why it cannot be done; empty where it can
    errors: int
    bests: list[MetricBest]
    not_finite: NotFinite | None
    stalled: Stall | None
    alerts: list[AlertNow]
    undo: Undoable | None
    kept: Kept | None
    group: FitGroup | None
    classes: bool  # whether the model may tell classes apart
    heard: dict[str, int]  # by view: the ``seq`` of its last hello
    path: MessagePath
    pump: Pump
    commands: list[CommandResult]


# -- the traits ``controls`` and ``events`` ----------------------------------------------------------------------------


class Control(TypedDict):
    """A control and its value."""

    name: str
    label: str
    kind: ControlKind
    scale: ControlScale
    value: Value
    min: float | None
    max: float | None
    integer: bool
    nullable: bool
    choices: list[str]
    enabled: bool
    reason: str  # why it is disabled
    rebuild: bool  # whether a change makes Keras trace the training step again
    group: ControlGroup
    section: str
    of: str  # the control that it accompanies
    places: NotRequired[list[str]]  # of a layer's control: the attributes that hold the value; the browser ignores it


class Event(TypedDict):
    """An event; its fields are those of the record's ``Event``."""

    step: int
    epoch: int
    time: float
    kind: str
    name: str
    old: Value
    new: Value
    source: str
    message: str
    requested: float | None
    at_end: bool


# -- the trait ``callbacks`` -------------------------------------------------------------------------------------------


class Fact(TypedDict):
    """A short fact about a callback."""

    label: str
    value: Value


class Gauge(TypedDict):
    """What a callback uses up, such as its patience."""

    label: str
    used: int
    of: int


class Best(TypedDict):
    """The best value that a callback saw."""

    metric: str
    value: Scalar
    epoch: int | None
    step: int | None
    band: Scalar  # how much better another must be


class CardHook(TypedDict):
    """A hook of a callback."""

    name: str
    count: int
    seconds: float


class HookError(TypedDict):
    """What a hook of a callback raised."""

    hook: str
    message: str


class File(TypedDict):
    """A file that a callback wrote."""

    id: str
    epoch: int
    step: int
    bytes: int
    what: Literal["model", "weights"]
    metrics: str
    name: str


class Action(TypedDict):
    """What a callback can be asked to do."""

    name: str
    label: str


class Card(TypedDict):
    """A callback of the fit."""

    id: str
    type: str
    known: bool  # whether it is one of Keras's own with a card of its own
    on: bool
    facts: list[Fact]
    gauge: Gauge | None
    best: Best | None
    says: str
    hooks: list[CardHook]
    printed: str
    error: HookError | None
    files: list[File]
    actions: list[Action]


# -- the trait ``hooks`` -----------------------------------------------------------------------------------------------


class HookRow(TypedDict):
    """A hook of Keras: how often it ran, and its log keys."""

    name: str
    phase: HookPhase
    count: int
    keys: list[str]
    seconds: float


class TimeShare(TypedDict):
    """A part of an epoch's wall time."""

    name: str
    seconds: float


class WallTime(TypedDict):
    """The wall time of an epoch."""

    total: float
    parts: list[TimeShare]


class Hooks(TypedDict):
    """Which hooks ran, and where the time went."""

    rows: list[HookRow]
    trace: list[str]
    epoch: WallTime | None
    bound: str


# -- the header of the trait ``series`` and of a window ----------------------------------------------------------------


class SeriesAxes(TypedDict):
    """The offsets of a table's columns of places, each float64."""

    step: int
    end: int
    epoch: int
    time: int


class SeriesColumn(TypedDict):
    """A series, and the offsets of its columns."""

    name: str
    group: str
    kind: SeriesKind
    label: str
    mean: int  # float32
    min: NotRequired[int]  # float32; this and those below are missing where a bucket is a row
    max: NotRequired[int]
    order: NotRequired[int]  # uint8: whether the minimum came first


class SeriesTable(TypedDict):
    """A table of buckets."""

    name: TableName
    length: int
    rows: int
    per_bucket: int
    x: SeriesAxes
    series: list[SeriesColumn]


class NonFinite(TypedDict):
    """A value that is not finite."""

    name: str
    group: str
    step: int
    epoch: float
    time: float
    value: str


# "from" is a keyword, so this one is a call.
Branch = TypedDict("Branch", {"from": int, "to": int})
"""Training went on from step ``from`` after step ``to``."""


class SeriesHeader(TypedDict):
    """The header before the arrays."""

    tables: list[SeriesTable]
    bad: list[NonFinite]
    branches: list[Branch]
    first: float
    last: float


# -- all traits --------------------------------------------------------------------------------------------------------


class Traits(TypedDict):
    """The traits of a board; Python alone sets them."""

    board_id: str
    show: list[str]
    state: State
    controls: list[Control]
    events: list[Event]
    callbacks: list[Card]
    hooks: Hooks
    series: bytes


# -- messages from the browser: Python takes none of their fields for granted ------------------------------------------


class Hello(TypedDict):
    """A view is there; each has its own random name and counts its hellos."""

    kind: Literal["hello"]
    view: str
    seq: int
    visible: bool
    width: int
    host: Literal["lab", "notebook", "vscode", "colab", "voila", "marimo", "other"]


class Bye(TypedDict):
    """A view is gone."""

    kind: Literal["bye"]
    view: str


class Command(TypedDict):
    """A request to set a control or to do something."""

    kind: Literal["command"]
    run: str
    id: str
    name: str
    value: Value


class WindowRequest(TypedDict):
    """A request for a finer picture of some steps."""

    kind: Literal["window"]
    view: str
    request: int
    run: str
    first: int
    last: int
    points: int


class ModuleRequest(TypedDict):
    """A request for the code of a panel that is not in the board's own."""

    kind: Literal["module"]
    view: str
    name: Literal["fits", "classes"]


class FitsRequest(TypedDict):
    """A request for the curves of a group's fits."""

    kind: Literal["fits"]
    view: str
    request: int
    metric: str  # empty: the group's own


class ClassesRequest(TypedDict):
    """A request for what the model says of classes; while such come it is read at the ends of epochs."""

    kind: Literal["classes"]
    view: str
    request: int
    epoch: int | None  # one of those that were read; None: the latest
    cell: list[int] | None  # a class, and the one that it was taken for: their samples are asked for too


class LookAt(TypedDict):
    """A request to show another fit of the group."""

    kind: Literal["look"]
    run: str


Message = Hello | Bye | Command | WindowRequest | ModuleRequest | FitsRequest | ClassesRequest | LookAt

# -- messages from Python ----------------------------------------------------------------------------------------------


class WindowReply(TypedDict):
    """The answer to a ``WindowRequest``; the picture is its one buffer."""

    kind: Literal["window"]
    view: str
    request: int


class ModuleReply(TypedDict):
    """The answer to a ``ModuleRequest``."""

    kind: Literal["module"]
    view: str
    name: str
    code: str  # an ES module
    style: str


class FitsReply(TypedDict):
    """The answer to a ``FitsRequest``.

    Its one buffer is float32, ``points`` each: the middles of the places, each fit, then their mean, the mean less and
    with a standard deviation, and how many fits have a value.
    """

    kind: Literal["fits"]
    view: str
    request: int
    metric: str
    metrics: list[str]
    axis: Literal["epoch", "step"]
    points: int
    fits: list[int]  # their numbers


class ClassScores(TypedDict):
    """How right the model was about a class; None where that cannot be told."""

    name: str
    precision: float | None
    recall: float | None
    f1: float | None
    support: float


class Calibrated(TypedDict):
    """How often it was right, by how probable it said it was, in bins of equal width from 0 to 1."""

    samples: list[int]
    confidence: list[float | None]
    accuracy: list[float | None]
    error: float | None


class ClassSample(TypedDict):
    """A sample of a cell of the confusion matrix."""

    sample: int
    of_truth: float
    top: list[str]
    probability: list[float]


class ClassesReply(TypedDict):
    """The answer to a ``ClassesRequest``."""

    kind: Literal["classes"]
    view: str
    request: int
    why: str  # why there is nothing to see yet, or at all; empty where there is
    epochs: list[int]  # that were read, 0-based
    epoch: int | None
    accuracy: float | None
    from_samples: str
    left_out: int  # samples whose outputs were not finite
    cost: float  # seconds in all
    skipped: int  # epochs that were not read, as it would have cost too much
    classes: int
    shown: list[int]  # the numbers of the classes in the matrix
    names: list[str]  # their names
    matrix: list[list[float]]  # rows are the truth; none of labels
    scores: list[ClassScores]
    calibration: Calibrated | None
    cell: list[int] | None
    samples: list[ClassSample]
