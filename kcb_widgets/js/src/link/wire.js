// @ts-check
// The wire: what goes between Python and the browser. kcb_widgets/record/wire.py declares the same names and fields and says what
// they mean; tests/panels/test_wire.py compares the two files. There are only types here: no byte of it is in the bundle.

/** @typedef {number | boolean | string | null} Value */
/** @typedef {number | string} Scalar */
/** @typedef {"waiting" | "compiling" | "running" | "stopping" | "paused" | "finished" | "stopped" | "interrupted" | "failed"} Status */
/** @typedef {"" | "train" | "validate"} Phase */
/** @typedef {"" | "pump" | "subshell" | "main"} MessagePath */
/** @typedef {"" | "batch" | "epoch"} StopPoint */
/** @typedef {"number" | "flag" | "choice"} ControlKind */
/** @typedef {"linear" | "log"} ControlScale */
/** @typedef {"optimizer" | "layers" | "snapshots" | "callbacks" | "flow" | "user"} ControlGroup */
/** @typedef {"train" | "test" | "predict"} HookPhase */
/** @typedef {"batches" | "epochs" | "evaluations" | "controls" | "plan" | "baseline"} TableName */
/** @typedef {"train" | "running" | "epoch" | "val" | "eval" | "control" | "plan" | "baseline"} SeriesKind */

/**
 * @typedef {object} Flow
 * @property {boolean} paused
 * @property {number | "epoch" | null} until
 * @property {StopPoint} stop
 */

/**
 * @typedef {object} Snapshot
 * @property {string} id
 * @property {number} step
 * @property {number} epoch
 * @property {number} seconds
 * @property {string} kind
 * @property {string} metric
 * @property {number | null} value
 * @property {number} bytes
 */

/**
 * @typedef {object} Button
 * @property {string} name
 * @property {string} label
 */

/**
 * @typedef {object} Pump
 * @property {boolean} ok
 * @property {string} reason
 */

/**
 * @typedef {object} CommandResult
 * @property {string} id
 * @property {string} name
 * @property {Value} [value]
 * @property {"applied" | "refused"} status
 * @property {number | null} step
 * @property {string} message
 */

/**
 * @typedef {object} MetricBest
 * @property {string} metric
 * @property {number} value
 * @property {number} epoch
 * @property {number} step
 * @property {"min" | "max"} direction
 */

/**
 * @typedef {object} NotFinite
 * @property {string} name
 * @property {string} value
 * @property {number} step
 * @property {number} epoch
 * @property {number | null} batch
 */

/**
 * @typedef {object} AlertNow
 * @property {string} name
 * @property {string} text
 * @property {boolean} bad
 */

/**
 * @typedef {object} Stall
 * @property {number} seconds
 * @property {string} waits_for
 */

/**
 * @typedef {object} Kept
 * @property {string} path
 * @property {number} every
 * @property {string} trouble
 */

/**
 * @typedef {object} GroupFit
 * @property {string} run
 * @property {number} number
 * @property {string} title
 * @property {Status} status
 * @property {Scalar | null} value
 * @property {boolean} kept
 */

/**
 * @typedef {object} FitGroup
 * @property {string} name
 * @property {number | null} planned
 * @property {number} number
 * @property {number | null} remaining
 * @property {string} metric
 * @property {number} counted
 * @property {Scalar | null} mean
 * @property {Scalar | null} deviation
 * @property {GroupFit[]} fits
 */

/**
 * @typedef {object} Undoable
 * @property {string} name
 * @property {Value} old
 * @property {Value} new
 */

/**
 * @typedef {object} State
 * @property {string} run
 * @property {string} title
 * @property {Status} status
 * @property {string} message
 * @property {Phase} phase
 * @property {number | null} epoch
 * @property {number | null} epochs
 * @property {number} initial_epoch
 * @property {number} batch
 * @property {number | null} batches
 * @property {number} test_batch
 * @property {number | null} test_batches
 * @property {number} step
 * @property {number} elapsed
 * @property {boolean} ticking
 * @property {number | null} remaining
 * @property {number | null} ms_per_step
 * @property {number | null} batches_per_second
 * @property {number | null} samples_per_second
 * @property {Record<string, Scalar>} values
 * @property {Flow} flow
 * @property {Snapshot[]} snapshots
 * @property {number} snapshot_bytes
 * @property {Button[]} buttons
 * @property {Record<string, string>} can
 * @property {number} errors
 * @property {MetricBest[]} bests
 * @property {NotFinite | null} not_finite
 * @property {Stall | null} stalled
 * @property {AlertNow[]} alerts
 * @property {Undoable | null} undo
 * @property {Kept | null} kept
 * @property {FitGroup | null} group
 * @property {boolean} classes
 * @property {Record<string, number>} heard
 * @property {MessagePath} path
 * @property {Pump} pump
 * @property {CommandResult[]} commands
 */

/**
 * @typedef {object} Control
 * @property {string} name
 * @property {string} label
 * @property {ControlKind} kind
 * @property {ControlScale} scale
 * @property {Value} value
 * @property {number | null} min
 * @property {number | null} max
 * @property {boolean} integer
 * @property {boolean} nullable
 * @property {string[]} choices
 * @property {boolean} enabled
 * @property {string} reason
 * @property {boolean} rebuild
 * @property {ControlGroup} group
 * @property {string} section
 * @property {string} of
 * @property {string[]} [places]
 */

/**
 * @typedef {object} Event
 * @property {number} step
 * @property {number} epoch
 * @property {number} time
 * @property {string} kind
 * @property {string} name
 * @property {Value} old
 * @property {Value} new
 * @property {string} source
 * @property {string} message
 * @property {number | null} requested
 * @property {boolean} at_end
 */

/**
 * @typedef {object} Fact
 * @property {string} label
 * @property {Value} value
 */

/**
 * @typedef {object} Gauge
 * @property {string} label
 * @property {number} used
 * @property {number} of
 */

/**
 * @typedef {object} Best
 * @property {string} metric
 * @property {Scalar} value
 * @property {number | null} epoch
 * @property {number | null} step
 * @property {Scalar} band
 */

/**
 * @typedef {object} CardHook
 * @property {string} name
 * @property {number} count
 * @property {number} seconds
 */

/**
 * @typedef {object} HookError
 * @property {string} hook
 * @property {string} message
 */

/**
 * @typedef {object} File
 * @property {string} id
 * @property {number} epoch
 * @property {number} step
 * @property {number} bytes
 * @property {"model" | "weights"} what
 * @property {string} metrics
 * @property {string} name
 */

/**
 * @typedef {object} Action
 * @property {string} name
 * @property {string} label
 */

/**
 * @typedef {object} Card
 * @property {string} id
 * @property {string} type
 * @property {boolean} known
 * @property {boolean} on
 * @property {Fact[]} facts
 * @property {Gauge | null} gauge
 * @property {Best | null} best
 * @property {string} says
 * @property {CardHook[]} hooks
 * @property {string} printed
 * @property {HookError | null} error
 * @property {File[]} files
 * @property {Action[]} actions
 */

/**
 * @typedef {object} HookRow
 * @property {string} name
 * @property {HookPhase} phase
 * @property {number} count
 * @property {string[]} keys
 * @property {number} seconds
 */

/**
 * @typedef {object} TimeShare
 * @property {string} name
 * @property {number} seconds
 */

/**
 * @typedef {object} WallTime
 * @property {number} total
 * @property {TimeShare[]} parts
 */

/**
 * @typedef {object} Hooks
 * @property {HookRow[]} rows
 * @property {string[]} trace
 * @property {WallTime | null} epoch
 * @property {string} bound
 */

/**
 * @typedef {object} SeriesAxes
 * @property {number} step
 * @property {number} end
 * @property {number} epoch
 * @property {number} time
 */

/**
 * @typedef {object} SeriesColumn
 * @property {string} name
 * @property {string} group
 * @property {SeriesKind} kind
 * @property {string} label
 * @property {number} mean
 * @property {number} [min]
 * @property {number} [max]
 * @property {number} [order]
 */

/**
 * @typedef {object} SeriesTable
 * @property {TableName} name
 * @property {number} length
 * @property {number} rows
 * @property {number} per_bucket
 * @property {SeriesAxes} x
 * @property {SeriesColumn[]} series
 */

/**
 * @typedef {object} NonFinite
 * @property {string} name
 * @property {string} group
 * @property {number} step
 * @property {number} epoch
 * @property {number} time
 * @property {string} value
 */

/**
 * @typedef {object} Branch
 * @property {number} from
 * @property {number} to
 */

/**
 * @typedef {object} SeriesHeader
 * @property {SeriesTable[]} tables
 * @property {NonFinite[]} bad
 * @property {Branch[]} branches
 * @property {number} first
 * @property {number} last
 */

/**
 * @typedef {object} Traits
 * @property {string} board_id
 * @property {string[]} show
 * @property {State} state
 * @property {Control[]} controls
 * @property {Event[]} events
 * @property {Card[]} callbacks
 * @property {Hooks} hooks
 * @property {DataView} series
 */

/**
 * @typedef {object} Hello
 * @property {"hello"} kind
 * @property {string} view
 * @property {number} seq
 * @property {boolean} visible
 * @property {number} width
 * @property {"lab" | "notebook" | "vscode" | "colab" | "voila" | "marimo" | "other"} host
 */

/**
 * @typedef {object} Bye
 * @property {"bye"} kind
 * @property {string} view
 */

/**
 * @typedef {object} Command
 * @property {"command"} kind
 * @property {string} run
 * @property {string} id
 * @property {string} name
 * @property {Value} value
 */

/**
 * @typedef {object} WindowRequest
 * @property {"window"} kind
 * @property {string} view
 * @property {number} request
 * @property {string} run
 * @property {number} first
 * @property {number} last
 * @property {number} points
 */

/**
 * @typedef {object} ModuleRequest
 * @property {"module"} kind
 * @property {string} view
 * @property {"fits" | "classes"} name
 */

/**
 * @typedef {object} FitsRequest
 * @property {"fits"} kind
 * @property {string} view
 * @property {number} request
 * @property {string} metric
 */

/**
 * @typedef {object} ClassesRequest
 * @property {"classes"} kind
 * @property {string} view
 * @property {number} request
 * @property {number | null} epoch
 * @property {number[] | null} cell
 */

/**
 * @typedef {object} LookAt
 * @property {"look"} kind
 * @property {string} run
 */

/** @typedef {Hello | Bye | Command | WindowRequest | ModuleRequest | FitsRequest | ClassesRequest | LookAt} Message */

/**
 * @typedef {object} WindowReply
 * @property {"window"} kind
 * @property {string} view
 * @property {number} request
 */

/**
 * @typedef {object} ModuleReply
 * @property {"module"} kind
 * @property {string} view
 * @property {string} name
 * @property {string} code
 * @property {string} style
 */

/**
 * @typedef {object} FitsReply
 * @property {"fits"} kind
 * @property {string} view
 * @property {number} request
 * @property {string} metric
 * @property {string[]} metrics
 * @property {"epoch" | "step"} axis
 * @property {number} points
 * @property {number[]} fits
 */

/**
 * @typedef {object} ClassScores
 * @property {string} name
 * @property {number | null} precision
 * @property {number | null} recall
 * @property {number | null} f1
 * @property {number} support
 */

/**
 * @typedef {object} Calibrated
 * @property {number[]} samples
 * @property {(number | null)[]} confidence
 * @property {(number | null)[]} accuracy
 * @property {number | null} error
 */

/**
 * @typedef {object} ClassSample
 * @property {number} sample
 * @property {number} of_truth
 * @property {string[]} top
 * @property {number[]} probability
 */

/**
 * @typedef {object} ClassesReply
 * @property {"classes"} kind
 * @property {string} view
 * @property {number} request
 * @property {string} why
 * @property {number[]} epochs
 * @property {number | null} epoch
 * @property {number | null} accuracy
 * @property {string} from_samples
 * @property {number} left_out
 * @property {number} cost
 * @property {number} skipped
 * @property {number} classes
 * @property {number[]} shown
 * @property {string[]} names
 * @property {number[][]} matrix
 * @property {ClassScores[]} scores
 * @property {Calibrated | null} calibration
 * @property {number[] | null} cell
 * @property {ClassSample[]} samples
 */

export {};
