"""What `code.py` writes, whole: lines after `#? word` are left out of a source that does not need them."""

from __future__ import annotations

TEMPLATE = '''
import keras


#? schedule
class Steered(keras.optimizers.schedules.LearningRateSchedule):
    """The optimizer's own schedule times a factor, or a fixed rate."""

    def __init__(self, schedule):
        self.schedule, self.factor, self.fixed = schedule, 1.0, float("nan")
        # As plain numbers they would be folded into other constants, and rounded otherwise than in the run.
        self.parameters = keras.Variable([self.factor, self.fixed], trainable=False, dtype="float32")

    def __call__(self, step):
        factor, fixed = keras.ops.unstack(keras.ops.convert_to_tensor(self.parameters))
        planned = keras.ops.cast(self.schedule(step), "float32") * factor
        return keras.ops.where(keras.ops.isnan(fixed), planned, fixed)

    def get_config(self):
        return self.schedule.get_config()

    def set(self, attribute, value, step):
        if attribute == "take_over":  # the rate stays what it is now
            if value == (self.fixed == self.fixed):  # NaN, which is no fixed rate, is not equal to itself
                return
            now = float(keras.ops.convert_to_numpy(self.schedule(step))) * self.factor
            attribute, value = "fixed", now if value else float("nan")
        setattr(self, attribute, value)
        self.parameters.assign([self.factor, self.fixed])


#?
class SteeredRun(keras.callbacks.Callback):
    """Does to a fit what was done to another one by hand."""

    TABLES

    def on_train_begin(self, logs=None):
        self.due = sorted(self.changes.items())
#? late
        self.due_at_epoch_end = sorted(self.at_epoch_end.items())
#?
        self.step = self.began = 0
        self.together = self.model.steps_per_execution
#? rollback
        self.snapshots = {}
#? schedule
        self.schedules = {}
#? trainable
        self.flags = {}
#? early
        optimizer = self.model.optimizer
        if self.model.built and not optimizer.built:  # the first batch would build it, and only for what trains then
            optimizer.build(self.model.trainable_variables)
#? layer
        if self.model.built:  # better now than in mid-fit
            for path, *_ in self.of_layer.values():
                self.layer(path)
#?

    def on_epoch_begin(self, epoch, logs=None):
        self.began = self.step

    def on_train_batch_begin(self, batch, logs=None):
        self.step = self.began + batch
        self.catch_up(self.due)

    def on_train_batch_end(self, batch, logs=None):
        self.step += self.together
        if self.params.get("steps"):
            self.step = min(self.step, self.began + self.params["steps"])
#? no_ran_out
        if self.step >= self.last:
            self.model.stop_training = True
#?

    def on_epoch_end(self, epoch, logs=None):
        self.catch_up(self.due)
#? late
        self.catch_up(self.due_at_epoch_end)
#? ran_out
        if self.step >= self.last:  # not with the last batch, after which Keras begins one more
            self.model.stop_training = True
#?

#? schedule
    def on_train_end(self, logs=None):
        for (root, index), schedule in self.schedules.items():
            self.optimizers(root)[index].learning_rate = schedule.schedule

#?
    def catch_up(self, due):
        while due and due[0][0] <= self.step:
            for name, value in due.pop(0)[1]:
                self.apply(name, value)

    def apply(self, name, value):
        """Do one thing. On JAX self.model brings the state home first, and takes back what was changed."""
#? rollback
        if name == "snapshot":
            self.snapshots[value] = {id(one): keras.ops.convert_to_numpy(one).copy() for one in self.state()}
        if name == "rollback":
            for one in self.state():
                if id(one) in self.snapshots[value]:  # else it is newer
                    one.assign(self.snapshots[value][id(one)])
            self.model.reset_metrics()
#? optimizer
        if name in self.of_optimizer:
            root, index, attribute = self.of_optimizer[name]
            optimizer = self.optimizers(root)[index]
#? schedule
            if attribute in ("factor", "fixed", "take_over"):
                if (root, index) not in self.schedules:
                    self.schedules[root, index] = Steered(optimizer._learning_rate)  # there is no public way
                    optimizer.learning_rate = self.schedules[root, index]
                self.schedules[root, index].set(attribute, value, optimizer.iterations)
            else:
                setattr(optimizer, attribute, value)
#? no_schedule
            setattr(optimizer, attribute, value)
#? number schedule
            if attribute != "learning_rate":  # a number is part of the compiled step
                self.model.make_train_function(force=True)
#? layer
        if name in self.of_layer:
            path, *places = self.of_layer[name]
            for place in places:
                owner, (*way, attribute) = self.layer(path), place.split(".")
                for part in way:
                    owner = getattr(owner, part)
#? regularizer
                if keras.ops.is_tensor(getattr(owner, attribute)):
                    value = keras.ops.convert_to_tensor(value)
#? trainable
                if attribute == "trainable":
                    self.train(owner, value)
                else:
                    setattr(owner, attribute, value)
#? no_trainable
                setattr(owner, attribute, value)
#? layer
            self.model.make_train_function(force=True)
#? regularizer trainable
            self.model.make_test_function(force=True)
#? rollback

    def state(self):
        """What a snapshot holds: all variables but those of metrics, and the learning rates."""
        model = self.model
        roots = [name for name, value in vars(model).items() if isinstance(value, keras.optimizers.Optimizer)]
        rates = [optimizer.learning_rate for root in roots for optimizer in self.optimizers(root)]
        left_out = {id(one) for one in [*model.metrics_variables, *rates]}
        every = [*model.variables, *(one for root in roots for one in getattr(model, root).variables)]
        return [one for one in every if id(one) not in left_out]
#? rollback optimizer

    def optimizers(self, root):
        """Those that do the work: LossScaleOptimizer and MultiOptimizer pass it on."""
        optimizer = getattr(self.model, root)
        while getattr(optimizer, "inner_optimizer", None) is not None:
            optimizer = optimizer.inner_optimizer
        return getattr(optimizer, "optimizers", None) or [optimizer]
#? layer

    def layer(self, path):
        layers = self.model._flatten_layers(include_self=False)  # those in other layers too
        found = [one for one in layers if one.path == path] or [one for one in layers if one.name == path]
        if not found:
            raise ValueError(f"The model has no layer {path!r}.")
        return found[0]
#? trainable

    def train(self, layer, value):
        """Freeze a layer, or have all in it train that did before."""
        if layer.trainable == value:
            return
        inside = [*layer._flatten_layers(), *layer.weights]  # a layer stands before those in it
        flags = [one.trainable for one in inside]
        layer.trainable = value
        if value:
            for one, flag in zip(inside, self.flags[id(layer)]):
                one.trainable = flag
        else:
            self.flags[id(layer)] = flags
#?
'''
