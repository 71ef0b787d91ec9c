"""Areas as MILPs that meet only in promises, and a master over promises: logic-based Benders.

A shared offer q is one that offers of another block need. A promise z_q = 1 says that q stands: the block of q must
then grant it, and only then may other blocks rely on it. A block b with shared offers of its own and of others is worth

    V_b(z) = max { u x : the rules within b, y_q >= z_q for its own q,
                   y_k <= sum_{q in S, q in b} y_q + sum_{q in S, q not in b} z_q for links to S that leave b }     (1)

The sum of V_b(z) at its best z is the optimum, and V_b falls in its own promises and rises in those of others. Hence
V_b(z) <= V_b(T), the value under a part T of what binds it: promises it made, promises that others refused it. With
M_b = V_b({}), for all z,

    V_b(z) <= V_b(T) + (M_b - V_b(T)) (sum_{q in T, q in b} (1 - z_q) + sum_{q in T, q not in b} z_q)               (2)
    1 <= sum_{q in T, q in b} (1 - z_q) + sum_{q in T, q not in b} z_q            where V_b(T) has no solution      (3)
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.sparse import coo_array, csr_array, vstack

from splgbench.decomposition.blocks import BlockModel
from splgbench.decomposition.subproblems import Answer, Subproblems
from splgbench.instance import BoolArray, IntArray
from splgbench.model import FloatArray, MipModel


@dataclass(frozen=True)
class AreaProblem:
    """(1) for one block.

    Parameters
    ----------
    number : of the block.
    model : its columns and rows; the last rows are those that need shared offers of other blocks.
    own : shared offers of the block; own_column : their mandates in the model.
    needed : shared offers of other blocks that it needs.
    reliance : shape (last rows, needed), how much a promise adds to the upper limit of a row.
    is_link : shape (last rows,), whether the row is a link: the others follow from links.
    """

    number: int
    model: MipModel
    own: IntArray
    own_column: IntArray
    needed: IntArray
    reliance: csr_array
    is_link: BoolArray

    def under(self, binding: frozenset[int]) -> MipModel:
        """The model with its own promises in `binding` made, and those of others in `binding` refused."""
        lower, upper = self.model.lower.copy(), self.model.row_upper.copy()
        lower[self.own_column[np.isin(self.own, list(binding))]] = 1.0
        upper[self.model.n_rows - len(self.is_link) :] += self._relied(binding)
        return replace(self.model, lower=lower, row_upper=upper)

    def broken(self, values: FloatArray, binding: frozenset[int]) -> frozenset[int]:
        """The members of `binding` that a solution does not keep."""
        mandates = np.rint(values[self.own_column])
        broken = {int(q) for q, held in zip(self.own, mandates, strict=True) if q in binding and held < 1}
        start = self.model.row_start
        first = self.model.n_rows - len(self.is_link)
        limit = self.model.row_upper[first:] + self._relied(binding)
        for i in np.flatnonzero(self.is_link).tolist():
            entries = slice(int(start[first + i]), int(start[first + i + 1]))
            held = np.rint(values[self.model.row_columns[entries]])
            if self.model.row_values[entries] @ held > limit[i] + 0.5:
                relied = self.reliance.indices[self.reliance.indptr[i] : self.reliance.indptr[i + 1]]
                broken |= set(self.needed[relied].tolist()) & binding
        return frozenset(broken)

    def _relied(self, binding: frozenset[int]) -> FloatArray:
        promised = ~np.isin(self.needed, list(binding))
        return np.asarray(self.reliance @ promised.astype(np.float64))


class AreaProblems:
    """(1) for all blocks, with what is known of each.

    Parameters
    ----------
    cut : the model as blocks.
    granted : shape (K,), mandates that stand anyway: their promises bind nobody.
    subproblems : solves them.

    Attributes
    ----------
    shared : the shared offers.
    problems : one for each block.
    known : by block, the answers by what binds.
    """

    def __init__(self, cut: BlockModel, granted: BoolArray, subproblems: Subproblems) -> None:
        self.cut = cut
        self.granted = granted
        self.subproblems = subproblems
        entries = cut.coupling.tocoo()
        offer, block = cut.offer[entries.col], cut.block_of_offer[cut.offer[entries.col]]
        is_link = _in_family(cut, "link")
        loses = entries.data > 0
        owner = np.zeros(len(is_link), dtype=np.int64)
        owner[entries.row[loses]] = block[loses]
        self.shared = np.unique(offer[is_link[entries.row] & ~loses & (block != owner[entries.row])])
        # A row is one of every block that has something to lose in it.
        rows_of: list[set[int]] = [set() for _ in cut.blocks]
        for row, b in zip(entries.row[loses].tolist(), block[loses].tolist(), strict=True):
            rows_of[b].add(row)
        self.problems = [
            self._problem(b, np.array(sorted(rows), dtype=np.int64), is_link) for b, rows in enumerate(rows_of)
        ]
        self.known: list[dict[frozenset[int], Answer]] = [{} for _ in self.problems]

    def _problem(self, b: int, rows: IntArray, is_link: BoolArray) -> AreaProblem:
        cut, block = self.cut, self.cut.blocks[b]
        part = cut.coupling[rows]
        outside = np.ones(cut.model.n_columns, dtype=np.bool_)
        outside[block.columns] = False
        entries = part.tocoo()
        relied = outside[entries.col] & (entries.data < 0)
        strange = relied & ~np.isin(cut.offer[entries.col], self.shared)
        # A cut over links through a third block may need what nobody promises; it is left out.
        kept = ~np.isin(np.arange(len(rows)), entries.row[strange])
        relied &= kept[entries.row]
        needed, at = np.unique(cut.offer[entries.col[relied]], return_inverse=True)
        reliance = coo_array((-entries.data[relied], (entries.row[relied], at)), (len(rows), len(needed))).tocsr()
        inside = part[np.flatnonzero(kept)][:, block.columns]
        own = block.offers[np.isin(block.offers, self.shared)]
        local = block.model.mandate_column[np.searchsorted(block.offers, own)]
        model = block.model
        start = np.append(model.row_start, model.n_entries + inside.indptr[1:].astype(np.int64))
        return AreaProblem(
            number=b,
            model=replace(
                model,
                row_start=start,
                row_columns=np.append(model.row_columns, inside.indices.astype(np.int64)),
                row_values=np.append(model.row_values, inside.data),
                row_lower=np.append(model.row_lower, np.full(inside.shape[0], -np.inf)),
                row_upper=np.append(model.row_upper, cut.limit[rows[kept]]),
            ),
            own=own,
            own_column=local,
            needed=needed,
            reliance=csr_array(reliance[np.flatnonzero(kept)]),
            is_link=is_link[rows[kept]],
        )

    def binding(self, b: int, promised: BoolArray) -> frozenset[int]:
        """What binds a block under promises, shape (K,): those it made, and those it needs and does not get."""
        problem = self.problems[b]
        own = problem.own[promised[problem.own] & ~self.granted[problem.own]]
        refused = problem.needed[~promised[problem.needed] & ~self.granted[problem.needed]]
        return frozenset(own.tolist()) | frozenset(refused.tolist())

    def value(self, b: int, binding: frozenset[int], seconds: float | None = None) -> Answer:
        """V_b(T): what is known, where it is closed, else asked again."""
        known = self.known[b].get(binding)
        if known is not None and known.closed:
            return known
        answer = self.subproblems.solve(self.problems[b].under(binding), 0.0, seconds)
        if known is not None:
            answer = Answer(min(known.bound, answer.bound), answer.values, answer.closed)
        self.known[b][binding] = answer
        return answer

    def grown(self, b: int, binding: frozenset[int], seconds: float | None = None) -> tuple[frozenset[int], Answer]:
        """V_b(T) under as little of T as this finds to be enough: from nothing, what the best plan breaks is added.

        Returns
        -------
        The part, and the answer under it; its plan keeps all of T where it has one and is closed.
        """
        part: frozenset[int] = frozenset()
        while True:
            answer = self.value(b, part, seconds)
            if answer.bound == -np.inf or answer.values is None:
                return part, answer
            more = self.problems[b].broken(answer.values, binding)
            if more <= part:
                return part, answer
            part = part | more

    def shrunk(
        self, b: int, binding: frozenset[int], most: float, tries: int, seconds: float | None = None
    ) -> tuple[frozenset[int], Answer]:
        """Drop members of T greedily while V_b stays at or below `most`.

        Parameters
        ----------
        tries : members to try, at most.
        """
        answer = self.known[b][binding]
        for q in sorted(binding)[:tries]:
            less = self.value(b, binding - {q}, seconds)
            if less.bound <= most:
                binding, answer = binding - {q}, less
        return binding, answer


class PromiseMaster:
    """The LP relaxation of all areas with whole mandates for shared offers only, under (2) and (3).

    Parameters
    ----------
    problems : whose blocks and shared offers these are.
    """

    def __init__(self, problems: AreaProblems) -> None:
        cut = problems.cut
        whole, self.problems = cut.model, problems
        n, n_blocks = whole.n_columns, len(cut.blocks)
        block = np.full(n, -1, dtype=np.int64)
        for b, part in enumerate(cut.blocks):
            block[part.columns] = b
        worth = np.flatnonzero((whole.objective != 0) & (block >= 0))
        # theta_b is the utility of the block.
        value = coo_array((-whole.objective[worth], (block[worth], worth)), shape=(n_blocks, n + n_blocks))
        theta = coo_array((np.ones(n_blocks), (np.arange(n_blocks), n + np.arange(n_blocks))), value.shape)
        rows = csr_array(value + theta)
        integer = np.zeros(n + n_blocks, dtype=np.bool_)
        self.column = whole.mandate_column[problems.shared]
        integer[self.column] = True
        self.base = replace(
            whole,
            objective=np.append(np.zeros(n), np.ones(n_blocks)),
            lower=np.append(whole.lower, np.zeros(n_blocks)),
            upper=np.append(whole.upper, np.bincount(block[worth], (whole.objective * whole.upper)[worth], n_blocks)),
            integer=integer,
            semicontinuous=np.zeros(n + n_blocks, dtype=np.bool_),
            row_start=np.append(whole.row_start, whole.n_entries + rows.indptr[1:].astype(np.int64)),
            row_columns=np.append(whole.row_columns, rows.indices.astype(np.int64)),
            row_values=np.append(whole.row_values, rows.data),
            row_lower=np.append(whole.row_lower, np.full(n_blocks, -np.inf)),
            row_upper=np.append(whole.row_upper, np.zeros(n_blocks)),
        )
        self.n = n
        self.cuts = csr_array((0, n + n_blocks))
        self.limit = np.zeros(0)

    def bounded(self, values: FloatArray) -> None:
        """theta_b <= M_b."""
        upper = self.base.upper.copy()
        upper[self.n :] = np.minimum(upper[self.n :], values)
        self.base = replace(self.base, upper=upper)

    def theta(self, values: FloatArray) -> FloatArray:
        """Shape (n_blocks,): what a solution says the blocks are worth."""
        return values[self.n :]

    def promised(self, values: FloatArray) -> BoolArray:
        """Shape (K,): the promises of a solution."""
        found = np.zeros(len(self.problems.cut.block_of_offer), dtype=np.bool_)
        found[self.problems.shared] = values[self.column] >= 0.5
        return found

    def add(self, b: int, binding: frozenset[int], bound: float) -> None:
        """(2), or (3) where `bound` is -inf, for V_b(T) <= bound."""
        problem = self.problems.problems[b]
        members = np.array(sorted(binding), dtype=np.int64)
        column = self.problems.cut.model.mandate_column[members]
        own = np.isin(members, problem.own)
        height = 1.0 if bound == -np.inf else float(self.base.upper[self.n + b]) - bound
        limit = height * own.sum() + (-1.0 if bound == -np.inf else bound)
        weight = np.where(own, height, -height)
        if bound > -np.inf:
            column, weight = np.append(column, self.n + b), np.append(weight, 1.0)
        row = coo_array((weight, (np.zeros(len(column), dtype=np.int64), column)), shape=(1, self.base.n_columns))
        self.cuts = csr_array(vstack((self.cuts, row)))
        self.limit = np.append(self.limit, limit)

    def model(self) -> MipModel:
        """The master as it stands."""
        base = self.base
        return replace(
            base,
            row_start=np.append(base.row_start, base.n_entries + self.cuts.indptr[1:].astype(np.int64)),
            row_columns=np.append(base.row_columns, self.cuts.indices.astype(np.int64)),
            row_values=np.append(base.row_values, self.cuts.data),
            row_lower=np.append(base.row_lower, np.full(len(self.limit), -np.inf)),
            row_upper=np.append(base.row_upper, self.limit),
        )


def _in_family(cut: BlockModel, family: str) -> BoolArray:
    """Which coupling rows belong to a family."""
    found = np.zeros(len(cut.coupling_rows), dtype=np.bool_)
    for block in cut.model.row_blocks:
        if block.family == family:
            found |= (cut.coupling_rows >= block.start) & (cut.coupling_rows < block.stop)
    return found
