"""The demo notebooks run as they are written, with nobody there, and what they say comes true."""

from __future__ import annotations

import nbformat
import pytest
from notebook_runs import NOTEBOOKS, cell_with, execute, pictures, stream

ALL = sorted(path.stem for path in NOTEBOOKS.glob("*.ipynb"))


@pytest.fixture
def run(tmp_path):
    """A function that runs a notebook and tells facts of it, by expressions."""

    def run_it(name, **facts):
        return execute(name, tmp_path, "".join(f"{key!r}: {value}, " for key, value in facts.items()))

    return run_it


def test_steer_a_run_goes_wrong_is_rolled_back_replayed_and_written_as_code(run):
    facts, cells = run(
        "steer-a-run",
        kinds="monitor.run.events['kind'].tolist()",
        worst="float(np.nanmax(monitor.run.batches.loc[201:250, 'batch_loss']))",
        before="float(monitor.run.batches.loc[101:200, 'batch_loss'].mean())",
        last="float(monitor.run.epochs['loss'].iloc[-1])",
        accuracy="accuracy",
        alone="int('driver' in monitor.run.to_code())",
    )
    assert [kind for kind in facts["kinds"] if kind in ("snapshot", "rollback")] == ["snapshot", "rollback"]
    assert facts["kinds"].count("applied") == 3
    assert facts["worst"] > 3 * facts["before"]  # the rate was far too much,
    assert facts["last"] < facts["before"]  # and the way back led on
    assert facts["accuracy"] > 0.9
    assert stream(cell_with(cells, "monitor.run.replay()")) == "the same weights, bit for bit: True\n"
    code = stream(cell_with(cells, "to_code()"))
    compile(code, "steered.py", "exec")
    assert "import kcb_widgets" not in code


def test_background_fit_is_steered_from_other_cells(run):
    facts, cells = run(
        "background-fit",
        status="monitor.run.status",
        applied="monitor.run.events.query('kind == \"applied\"')['new'].tolist()",
        rate="float(model.optimizer.learning_rate)",
        epochs="len(history.history['loss'])",
        told="len(monitor.run.epochs)",
    )
    assert facts["status"] == "stopped"
    assert facts["applied"] == [pytest.approx(0.01)]
    assert facts["rate"] == pytest.approx(0.01)
    assert 0 < facts["told"] == facts["epochs"] < 200
    assert stream(cell_with(cells, ".wait(60)\nprint(f")).startswith("learning_rate: 0.001 is 0.01 from step")
    assert "val_loss" in stream(cell_with(cells, "evaluate()")) or "loss" in stream(cell_with(cells, "evaluate()"))
    assert pictures(cell_with(cells, "monitor.run.plot()"))


def test_your_own_controls_are_used_by_the_training_they_belong_to(run):
    facts, cells = run(
        "your-own-controls",
        noise="monitor.values['noise']",
        raised="monitor.run.events.query('name == \"noise\"')['source'].unique().tolist()",
        found="[[step, len(which)] for step, which in mistakes]",
        errors="monitor.run.events.query('kind == \"error\"')['message'].tolist()",
        spread="float((Noisy()[0][0] - x_train[:32]).std())",
    )
    assert facts["errors"] == []
    assert facts["raised"] == ["policy"]
    assert 0.2 < facts["noise"] <= 0.6
    assert facts["spread"] == pytest.approx(facts["noise"], rel=0.05)  # what the slider says is what the data have
    assert len(facts["found"]) == 3
    assert all(0 < count < 150 for _, count in facts["found"])
    assert pictures(cell_with(cells, "mistakes[-1]"))


def test_gpu_says_what_it_found(run):
    facts, cells = run("gpu", gpus="len(gpus)", epochs="len(monitor.run.epochs)", took="float(np.median(took))")
    said = stream(cell_with(cells, "list_physical_devices"))
    assert ("none found" in said) == (facts["gpus"] == 0)
    assert facts["epochs"] == (40 if facts["gpus"] else 5)
    assert f"{1000 * facts['took']:.2f} ms" in stream(cell_with(cells, "np.diff"))


def test_recipes_come_true(run):
    facts, cells = run(
        "recipes",
        folds="len(scores)",
        trials="len(tuner.oracle.trials)",
        smoothing="float(Smoothed().smoothing)",
    )
    text = {number: cell.outputs for number, cell in enumerate(cells)}
    assert "[('Run 1', 0, 141), ('Run 2', 141, 282)]" in str(text)
    assert stream(cell_with(cells, "data.filter(")) == "47 batches in an epoch\n"
    assert "sure" in str(cell_with(cells, "class Smoothed").outputs)
    assert stream(cell_with(cells, '"mixed_float16"')) == "LossScaleOptimizer of Adam with learning_rate 0.002\n"
    assert stream(cell_with(cells, "np.array_split")).startswith("validation accuracy 0.9")
    assert stream(cell_with(cells, "keras_tuner")).startswith("3 trials; best: {")
    assert "learning_rate" in str(cell_with(cells, "MirroredStrategy(").outputs)
    assert facts["folds"] == facts["trials"] == 3


def test_compare_runs_keeps_twelve_and_relates_their_settings_to_their_results(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # it keeps runs where it is
    facts, cells = run(
        "compare-runs",
        kept="len(table)",
        widths="table['config.width'][related.brushed].tolist()",
        worst="float(table.best_val_accuracy[related.brushed].min())",
        median="float(table.best_val_accuracy.median())",
        same="eval(comparison.to_code()).chosen == comparison.chosen",
    )
    assert facts["kept"] == 12
    assert 0 < len(facts["widths"]) <= 8
    assert min(facts["widths"]) >= 16
    assert facts["worst"] >= facts["median"]
    assert facts["same"]
    for cell in (cell_with(cells, 'band="range"'), cell_with(cells, 'colour="config'), cell_with(cells, 'view="par')):
        assert len(pictures(cell)) == 1


def test_the_dashboard_trains_when_its_button_is_pressed(run):
    facts, _ = run(
        "dashboard",
        before="len(monitor.runs)",
        pressed="train.click()",
        again="train.click()",  # it trains already: nothing comes of it
        trained="board.run.wait() if hasattr(board.run, 'wait') else monitor.stop().wait(60).kind",
        runs="len(monitor.runs)",
        same="board.run is monitor.run",
    )
    assert facts["before"] == 0
    assert facts["runs"] == 1
    assert facts["trained"] == "stop"
    assert facts["same"]


@pytest.mark.parametrize("name", ALL)
def test_notebooks_are_stored_small_with_what_github_shows(name):
    path = NOTEBOOKS / f"{name}.ipynb"
    notebook = nbformat.read(path, 4)
    nbformat.validate(notebook)
    assert len({cell.id for cell in notebook.cells}) == len(notebook.cells)
    assert not [cell.metadata for cell in notebook.cells if cell.metadata]
    assert path.stat().st_size < 400_000
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    outputs = [output for cell in code for output in cell.outputs]
    assert not [output for output in outputs if output.output_type == "error"]
    assert not [data for output in outputs if "widget" in str((data := output.get("data", {})).keys())]
    if name != "dashboard":  # nobody presses its button
        assert [output for output in outputs if "image/png" in output.get("data", {}) or "<img" in str(output)]
    assert all(cell.execution_count for cell in code)
