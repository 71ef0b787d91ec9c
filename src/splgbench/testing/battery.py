"""The battery: draw instances, put methods through relations, shrink what fails.

`examine` puts subjects through one relation and shrinks the first failure; `sweep` puts many methods through all
relations, one draw serving all of them, and is what to run when nothing is expected to fail.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import hypothesis
from hypothesis import assume, given
from hypothesis import strategies as st

from splgbench.instance import Instance
from splgbench.methods import Method
from splgbench.testing.draws import reproducibly
from splgbench.testing.oracles import agreed
from splgbench.testing.relations import Relation
from splgbench.testing.strategies import Knobs, instances
from splgbench.testing.trial import Trial

OnTrial = Callable[[Relation, str, Instance], None]
"""Told of a relation, a subject's name and an instance before they meet."""


@dataclass(frozen=True)
class Refutation:
    """A relation, a subject and the smallest instance found on which the subject breaks it.

    Parameters
    ----------
    relation : its name.
    subject : the method's name.
    sentence : what contradicts what, in exact numbers.
    instance : the instance.
    varied : the variation: another instance, limits, an offer, ..., as the relation drew it.
    """

    relation: str
    subject: str
    sentence: str
    instance: Instance
    varied: Any

    @property
    def size(self) -> tuple[int, ...]:
        """What shrinking makes small, in order of weight."""
        numbers = (self.instance.demand, self.instance.capacity, self.instance.utility)
        return (
            self.instance.n_hospitals + self.instance.n_groups,
            self.instance.n_offers,
            len(self.instance.areas) + self.instance.n_cells,
            len(self.instance.to_tables().get("links", {}).get("group", ())),
            len(self.instance.override_offer),
            sum(int(array.sum()) for array in numbers),
        )


@dataclass
class Examination:
    """One relation put to some subjects.

    Parameters
    ----------
    relation : its name.
    examples : instances drawn, up to and including the first that refutes.
    refutation : the smallest counterexample; None where all subjects passed.
    """

    relation: str
    examples: int = 0
    refutation: Refutation | None = None


class _DoneError(KeyboardInterrupt):
    """Ends hypothesis at once; a KeyboardInterrupt is what it lets through."""


class _RefutedError(AssertionError):
    """What hypothesis shrinks."""


@dataclass
class _Run:
    """State of one examination. After the first failure only the subject that failed is asked."""

    relation: Relation
    subjects: Mapping[str, Any]
    strides: Mapping[str, int]
    patience: float
    on_trial: OnTrial | None
    seen: int = 0
    failing: str | None = None
    deadline: float = 0.0
    best: Refutation | None = field(default=None)

    def judge(self, trial: Trial, varied: Any) -> None:
        if self.failing is None:
            self.seen += 1
            for name in self.subjects:
                if self.seen % self.strides.get(name, 1) == 0:
                    self._put(name, trial, varied)
            return
        if time.monotonic() > self.deadline:
            raise _DoneError
        self._put(self.failing, trial, varied)

    def _put(self, name: str, trial: Trial, varied: Any) -> None:
        if self.on_trial is not None:
            self.on_trial(self.relation, name, trial.instance)
        sentence = _contradiction(self.relation, self.subjects[name], name, trial, varied)
        if sentence is None:
            return
        if self.failing is None:
            self.failing, self.deadline = name, time.monotonic() + self.patience
        found = Refutation(self.relation.name, name, sentence, trial.instance, varied)
        if self.best is None or found.size <= self.best.size:
            self.best = found
        raise _RefutedError(sentence)


def examine(
    relation: Relation,
    subjects: Sequence[Method] | Mapping[str, Any],
    *,
    examples: int,
    seed: int = 0,
    strides: Mapping[str, int] | None = None,
    patience: float = 20.0,
    on_trial: OnTrial | None = None,
) -> Examination:
    """Put subjects through a relation; one draw serves all of them.

    Parameters
    ----------
    subjects : methods, or a checker or polish by name.
    examples : how many instances to draw.
    seed : of the draws; the same seed gives the same draws.
    strides : by subject name, n to take part in every n-th draw only (slow methods).
    patience : seconds for shrinking a counterexample.
    """
    if not isinstance(subjects, Mapping):
        subjects = {method.name: method for method in subjects}
    run = _Run(relation, subjects, strides or {}, patience, on_trial)

    @reproducibly(relation.name, seed, examples, shrink=True)
    @given(_cases(relation))
    def meet(case: tuple[Trial, Any]) -> None:
        run.judge(*case)

    try:
        meet()
    except (_RefutedError, _DoneError):
        pass
    except hypothesis.errors.Flaky:
        # The counterexample stands as it was seen; that it does not come again is part of what is wrong.
        if run.best is None:
            raise
    return Examination(relation.name, run.seen, run.best)


@st.composite
def _cases(draw: st.DrawFn, relation: Relation) -> tuple[Trial, Any]:
    """An instance with its exact answer, and the relation's variation of it."""
    instance = draw(instances(relation.knobs))
    trial = Trial(instance, agreed(instance))
    varied = relation.vary(draw, trial)
    assume(varied is not None)
    return trial, varied


def sweep(
    relations: Iterable[Relation],
    methods: Sequence[Method],
    *,
    examples: int,
    seed: int = 0,
    strides: Mapping[str, int] | None = None,
    patience: float = 20.0,
) -> list[Examination]:
    """Put methods through relations, each drawn instance serving all of them, until every relation has had `examples`.

    A relation that finds nothing to vary in an instance (no clause to remove) waits for the next; so there may be
    more draws than `examples`, at most 20 times as many. A method that fails is put to the relation again by
    `examine`, which shrinks; where that does not find it again, the instance stands as it was drawn.

    Parameters
    ----------
    methods, seed, strides, patience : as in `examine`.
    """
    run = _Sweep(list(relations), methods, examples, strides or {})

    @reproducibly("sweep", seed, 20 * examples, shrink=False)
    @given(st.data())
    def meet(data: st.DataObject) -> None:
        run.serve(cast(st.DrawFn, data.draw))

    with contextlib.suppress(_DoneError):
        meet()
    for examination in run.examinations.values():
        found = examination.refutation
        if found is not None:
            subject = next(method for method in methods if method.name == found.subject)
            relation = next(relation for relation in run.relations if relation.name == found.relation)
            again = examine(relation, [subject], examples=examples, seed=seed, patience=patience)
            examination.refutation = again.refutation or found
    return list(run.examinations.values())


class _Sweep:
    """State of a sweep."""

    def __init__(
        self, relations: list[Relation], methods: Sequence[Method], examples: int, strides: Mapping[str, int]
    ) -> None:
        self.relations = relations
        self.methods = methods
        self.examples = examples
        self.strides = strides
        self.examinations = {relation.name: Examination(relation.name) for relation in relations}

    def serve(self, draw: st.DrawFn) -> None:
        """Draw an instance and its variations, the same whatever has been seen, and ask what is still open."""
        trials: dict[Any, Trial] = {}
        instance = draw(instances())
        cases = []
        for relation in self.relations:
            drawn = draw(instances(relation.knobs)) if relation.own_draw else instance
            trial = self._trial(trials, drawn, relation.knobs)
            varied = None if trial is None else relation.vary(draw, trial)
            if trial is not None and varied is not None:
                cases.append((relation, trial, varied))
        if all(self._is_done(relation) for relation in self.relations):
            raise _DoneError
        for relation, trial, varied in cases:
            if not self._is_done(relation):
                self._put(relation, trial, varied)

    def _is_done(self, relation: Relation) -> bool:
        examination = self.examinations[relation.name]
        return examination.examples >= self.examples or examination.refutation is not None

    def _trial(self, trials: dict[Any, Trial], instance: Instance, knobs: Knobs) -> Trial | None:
        """The drawn instance as the relation's knobs allow it; None where it is too large."""
        if not knobs.overrides:
            instance = instance.with_rules(overrides=False)
        if instance.n_offers > knobs.offers or instance.n_hospitals > knobs.hospitals:
            return None
        if instance.instance_hash not in trials:
            trials[instance.instance_hash] = Trial(instance, agreed(instance))
        return trials[instance.instance_hash]

    def _put(self, relation: Relation, trial: Trial, varied: Any) -> None:
        examination = self.examinations[relation.name]
        examination.examples += 1
        for method in self.methods:
            if examination.examples % self.strides.get(method.name, 1):
                continue
            sentence = _contradiction(relation, method, method.name, trial, varied)
            if sentence is not None:
                examination.refutation = Refutation(relation.name, method.name, sentence, trial.instance, varied)
                return


def _contradiction(relation: Relation, subject: Any, name: str, trial: Trial, varied: Any) -> str | None:
    try:
        return relation.contradiction(subject, trial, varied)
    except Exception as error:
        return f"{name} raised {type(error).__name__}: {error}"
