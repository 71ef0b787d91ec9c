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

and, for any prices p of promises, with the promises of (1) for variables w,

    V_b(z) <= max { u x - p w : (1), 0 <= w <= 1 } + p z                                                            (4)
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.sparse import coo_array, csr_array, vstack

from splgbench.decomposition.blocks import BlockModel
from splgbench.decomposition.lp_start import column_prices
from splgbench.decomposition.subproblems import Answer, Subproblems
from splgbench.instance import BoolArray, IntArray
from splgbench.model import FloatArray, MipModel


@dataclass(frozen=True)
class AreaProblem:
    """(1) for one block.

    Parameters
    ----------
    model : the block's columns, then its promises w between 0 and 1; its rows, then those that hold promises.
    shared : the shared offers that it makes or needs promises of, in the order of w; own : which are its own.
    mandate : shape (shared,), the columns of its own shared offers' mandates, -1 for those of others.
    links : shape (rows,), whether a row is a link over promises.
    """

    model: MipModel
    shared: IntArray
    own: BoolArray
    mandate: IntArray
    links: BoolArray

    @property
    def promise(self) -> slice:
        """The columns of w."""
        return slice(self.model.n_columns - len(self.shared), self.model.n_columns)

    def under(self, binding: frozenset[int]) -> MipModel:
        """The model with its own promises in `binding` made, and those of others in `binding` refused."""
        bound = np.isin(self.shared, list(binding))
        return self._with(np.where(self.own, bound, ~bound).astype(np.float64))

    def at(self, promises: FloatArray) -> MipModel:
        """The model with promises, shape (K,), that may be fractional."""
        return self._with(promises[self.shared])

    def _with(self, promises: FloatArray) -> MipModel:
        lower, upper = self.model.lower.copy(), self.model.upper.copy()
        lower[self.promise] = upper[self.promise] = promises
        return replace(self.model, lower=lower, upper=upper)

    def priced(self, prices: FloatArray) -> MipModel:
        """The model of (4)."""
        objective = self.model.objective.copy()
        objective[self.promise] = -prices
        return replace(self.model, objective=objective)

    def broken(self, values: FloatArray, binding: frozenset[int]) -> frozenset[int]:
        """The members of `binding` that a solution does not keep."""
        bound = np.isin(self.shared, list(binding))
        held = np.rint(values)
        broken = bound & self.own
        broken[broken] = held[self.mandate[broken]] < 1
        held[self.promise] = ~bound
        rows = csr_array((self.model.row_values, self.model.row_columns, self.model.row_start), self._shape)
        unmet = rows[np.flatnonzero(self.links & (rows @ held > self.model.row_upper + 0.5))]
        needed = np.zeros(self.model.n_columns, dtype=np.bool_)
        needed[unmet.indices] = True
        broken |= bound & ~self.own & needed[self.promise]
        return frozenset(self.shared[broken].tolist())

    @property
    def _shape(self) -> tuple[int, int]:
        return self.model.n_rows, self.model.n_columns


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
        cut, block, model = self.cut, self.cut.blocks[b], self.cut.blocks[b].model
        entries = cut.coupling[rows].tocoo()
        inside = cut.block_of_offer[cut.offer[entries.col]] == b
        relies = ~inside & (entries.data < 0)
        # A cut over links through a third block may need what nobody promises; it is left out.
        kept = np.ones(len(rows), dtype=np.bool_)
        kept[entries.row[relies & ~np.isin(cut.offer[entries.col], self.shared)]] = False
        relies &= kept[entries.row]
        inside &= kept[entries.row]
        own_shared = block.offers[np.isin(block.offers, self.shared)]
        shared = np.unique(np.concatenate((own_shared, cut.offer[entries.col[relies]])))
        own = np.isin(shared, own_shared)
        mandate = np.full(len(shared), -1, dtype=np.int64)
        mandate[own] = model.mandate_column[np.searchsorted(block.offers, own_shared)]
        local = np.full(cut.model.n_columns, -1, dtype=np.int64)
        local[block.columns] = np.arange(model.n_columns)
        n, count, n_own = model.n_columns, len(shared), int(own.sum())
        number = np.cumsum(kept) - 1
        promised = n + np.searchsorted(shared, cut.offer[entries.col[relies]])
        # Links and cuts over promises, then w_q <= y_q.
        last = int(kept.sum()) + np.arange(n_own)
        row = np.concatenate((number[entries.row[inside]], number[entries.row[relies]], last, last))
        column = np.concatenate((local[entries.col[inside]], promised, n + np.flatnonzero(own), mandate[own]))
        data = np.concatenate((entries.data[inside], entries.data[relies], np.ones(n_own), -np.ones(n_own)))
        more = coo_array((data, (row, column)), shape=(int(kept.sum()) + n_own, n + count)).tocsr()
        limit = np.concatenate((cut.limit[rows[kept]], np.zeros(n_own)))
        links = np.zeros(model.n_rows + len(limit), dtype=np.bool_)
        links[model.n_rows : model.n_rows + int(kept.sum())] = is_link[rows[kept]]
        none, open_ = np.zeros(count), np.ones(count)
        return AreaProblem(
            replace(
                with_rows(model, more, limit),
                objective=np.append(model.objective, none),
                lower=np.append(model.lower, self.granted[shared].astype(np.float64)),
                upper=np.append(model.upper, open_),
                integer=np.append(model.integer, none.astype(np.bool_)),
                semicontinuous=np.append(model.semicontinuous, none.astype(np.bool_)),
            ),
            shared,
            own,
            mandate,
            links,
        )

    def binding(self, b: int, promised: BoolArray) -> frozenset[int]:
        """What binds a block under promises, shape (K,): those it made, and those it needs and does not get."""
        problem = self.problems[b]
        binds = (promised[problem.shared] == problem.own) & ~self.granted[problem.shared]
        return frozenset(problem.shared[binds].tolist())

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

    def priced(self, b: int, promises: FloatArray, seconds: float | None = None) -> tuple[FloatArray, float] | None:
        """(4) at the prices of the LP under promises.

        Parameters
        ----------
        promises : shape (K,), may be fractional.

        Returns
        -------
        p over the block's shared offers, whole, and the bound on the maximum; None where the LP has no prices.
        """
        problem = self.problems[b]
        found = column_prices(problem.at(promises), seconds)
        if found is None:
            return None
        # What a promise is worth to a block: nothing or less if it makes it, nothing or more if it gets it.
        size = np.rint(found[problem.promise])
        prices = np.where(problem.own, -size, size)
        return prices, self.subproblems.solve(problem.priced(prices), 0.0, seconds).bound


def with_rows(model: MipModel, rows: csr_array, limit: FloatArray) -> MipModel:
    """A model with more rows, rows @ columns <= limit."""
    return replace(
        model,
        row_start=np.append(model.row_start, model.n_entries + rows.indptr[1:].astype(np.int64)),
        row_columns=np.append(model.row_columns, rows.indices.astype(np.int64)),
        row_values=np.append(model.row_values, rows.data),
        row_lower=np.append(model.row_lower, np.full(len(limit), -np.inf)),
        row_upper=np.append(model.row_upper, limit),
    )


class PromiseMaster:
    """The LP relaxation of all areas with whole mandates for shared offers only, under (2), (3) and (4).

    Parameters
    ----------
    problems : whose blocks and shared offers these are.

    Attributes
    ----------
    last : the cut that was added last, None before: its block, offers, their weights, and the constant, in
        theta_b <= constant + weights @ y, with 0 in place of theta_b for (3).
    """

    def __init__(self, problems: AreaProblems) -> None:
        cut, whole, self.problems = problems.cut, problems.cut.model, problems
        self.column = whole.mandate_column[problems.shared]
        integer = np.zeros(whole.n_columns, dtype=np.bool_)
        integer[self.column] = True
        self.base = replace(whole, integer=integer)
        worth = np.flatnonzero(whole.objective)
        block = cut.block_of_offer[cut.offer[worth]]
        kept = block >= 0
        shape = (len(cut.blocks), whole.n_columns)
        self.utility = coo_array((whole.objective[worth[kept]], (block[kept], worth[kept])), shape).tocsr()
        self.cuts = csr_array((0, whole.n_columns))
        self.limit = np.zeros(0)
        self.rows: set[tuple[int, bytes, bytes, float]] = set()
        self.last: tuple[int, IntArray, FloatArray, float] | None = None

    def theta(self, values: FloatArray) -> FloatArray:
        """Shape (n_blocks,): theta_b, the utility of each block in a solution."""
        return np.asarray(self.utility @ values)

    def promises(self, values: FloatArray) -> FloatArray:
        """Shape (K,): the promises of a solution."""
        found = np.zeros(len(self.problems.cut.block_of_offer))
        found[self.problems.shared] = np.clip(values[self.column], 0.0, 1.0)
        return found

    def add(self, b: int, binding: frozenset[int], bound: float) -> bool:
        """Add (2), or (3) where `bound` is -inf, for V_b(T) <= bound; whether it was not there yet."""
        problem = self.problems.problems[b]
        members = np.array(sorted(binding), dtype=np.int64)
        own = np.isin(members, problem.shared[problem.own])
        height = 1.0 if bound == -np.inf else max(0.0, self.problems.known[b][frozenset()].bound - bound)
        limit = height * own.sum() + (-1.0 if bound == -np.inf else bound)
        return self._add(b, members, np.where(own, height, -height), 0.0 if bound == -np.inf else 1.0, limit)

    def add_priced(self, b: int, prices: FloatArray, bound: float) -> bool:
        """Add (4) for a bound on its maximum; whether it was not there yet."""
        return self._add(b, self.problems.problems[b].shared, -prices, 1.0, bound)

    def _add(self, b: int, offers: IntArray, weight: FloatArray, theta: float, limit: float) -> bool:
        """weight @ y of offers + theta * theta_b <= limit. A solver may break a row a little: it is no news then."""
        key = (b, offers.tobytes(), weight.tobytes(), limit)
        if key in self.rows:
            return False
        self.rows.add(key)
        self.last = (b, offers, -weight, limit)
        column = self.problems.cut.model.mandate_column[offers]
        kept = weight != 0
        row = np.zeros(int(kept.sum()), dtype=np.int64)
        promises = coo_array((weight[kept], (row, column[kept])), shape=(1, self.base.n_columns)).tocsr()
        self.cuts = csr_array(vstack((self.cuts, promises + theta * self.utility[[b]])))
        self.cuts.eliminate_zeros()
        self.limit = np.append(self.limit, limit)
        return True

    def model(self) -> MipModel:
        """The master as it stands."""
        return with_rows(self.base, self.cuts, self.limit)


def _in_family(cut: BlockModel, family: str) -> BoolArray:
    """Which coupling rows belong to a family."""
    found = np.zeros(len(cut.coupling_rows), dtype=np.bool_)
    for block in cut.model.row_blocks:
        if block.family == family:
            found |= (cut.coupling_rows >= block.start) & (cut.coupling_rows < block.stop)
    return found
