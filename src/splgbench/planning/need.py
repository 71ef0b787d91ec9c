"""Step 1, need: which part of a region's cases the population explains, and which part may be over-use.

For each group a Poisson regression of the regions' case counts on covariates, with the population as exposure
(log link): E[y_r] = n_r exp(x_r b). Standard errors are robust against a wrong variance (sandwich, HC1). Whether the
counts vary more than Poisson counts do is tested by the auxiliary regression of Cameron and Trivedi (1990, Journal of
Econometrics 46); a negative-binomial model with Var = m + alpha m^2 takes over where they do, if the project says so.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from splgbench.errors import InputError, SplgbenchError
from splgbench.planning.tables import Columns, Sheet, columns_of, sheet
from splgbench.solver_libraries import load_optional

FloatArray = NDArray[np.float64]
Family = Literal["poisson", "negative-binomial", "auto"]
FAMILIES = ("poisson", "negative-binomial", "auto")
OVERDISPERSED = 0.05
"""Significance at which `auto` leaves the Poisson model."""


@dataclass(frozen=True)
class NeedRules:
    """How the unexplained part is judged.

    Parameters
    ----------
    specifications : covariate columns by specification number; each as it is used, not cumulative.
    specification : the one whose residual counts.
    family : "poisson", "negative-binomial", or "auto" for the test's choice.
    fitted_on : "all" regions, or those "outside" the planning region, so that its over-use cannot pull the fit.
    supply_share : per cent of the over-use that counts as supply-induced, where the group says nothing.
    least_cases : over-use from which a group is screened by rule.
    level : of intervals.
    """

    specifications: Mapping[int, tuple[str, ...]]
    specification: int = 3
    family: Family = "auto"
    fitted_on: Literal["all", "outside"] = "outside"
    supply_share: int = 50
    least_cases: int = 15
    level: float = 0.95


@dataclass(frozen=True)
class Fit:
    """One regression.

    Parameters
    ----------
    model : "poisson" or "negative-binomial".
    names, coefficients, errors : the intercept "const" first; shape (p,).
    covariance : shape (p, p), robust.
    alpha : Var = m + alpha m^2; 0 in the Poisson model.
    r2 : share of the deviance of a constant rate that is explained (Cameron and Windmeijer 1996, Journal of Business
        and Economic Statistics 14); of the Poisson deviance in both models. None where rates do not differ at all.
    dispersion : Pearson's chi-squared by degrees of freedom, of the Poisson model.
    overdispersion_p : one-sided p-value of the test against Var = m + alpha m^2, of the Poisson model.
    cook : shape (fitted regions,), Cook's distances of the Poisson model.
    log_likelihood : of the model that counts.
    """

    model: str
    names: tuple[str, ...]
    coefficients: FloatArray
    errors: FloatArray
    covariance: FloatArray
    alpha: float
    r2: float | None
    dispersion: float
    overdispersion_p: float
    cook: FloatArray
    log_likelihood: float

    def expected(self, exposure: FloatArray, covariates: FloatArray) -> FloatArray:
        """Expected counts; `covariates` of shape (regions, p - 1)."""
        return exposure * np.exp(_design(covariates) @ self.coefficients)

    def sum_and_variance(self, exposure: FloatArray, covariates: FloatArray) -> tuple[float, float]:
        """Expected sum of the counts, and the variance of (count less expected), estimation included."""
        mean = self.expected(exposure, covariates)
        gradient = mean @ _design(covariates)
        spread = 1.0 if self.model == "negative-binomial" else max(1.0, self.dispersion)
        noise = float(np.sum(spread * mean + self.alpha * mean**2))
        return float(mean.sum()), noise + float(gradient @ self.covariance @ gradient)


def fit_counts(
    cases: FloatArray,
    exposure: FloatArray,
    covariates: FloatArray,
    names: Sequence[str],
    family: Family = "poisson",
    robust: bool = True,
) -> Fit:
    """Fit one regression.

    Parameters
    ----------
    cases, exposure : shape (regions,); counts, and persons or person-years above 0.
    covariates : shape (regions, p - 1), without the constant.
    names : of the covariates.
    robust : sandwich errors (HC1); False for those of the model.

    Raises
    ------
    SplgbenchError
        The coefficients cannot be found: too few regions, or covariates that depend on each other.
    MissingSolverError
        statsmodels is not installed.
    """
    api = load_optional("statsmodels.api", "statsmodels", "planning")
    design = _design(covariates)
    if np.linalg.matrix_rank(design / np.abs(design).max(axis=0).clip(1e-300)) < design.shape[1]:
        raise SplgbenchError(f"covariates {', '.join(names)} depend on each other, or there are too few regions")
    covariance_type = "HC1" if robust else "nonrobust"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # convergence is asked for below, in words
        poisson = api.GLM(cases, design, family=api.families.Poisson(), exposure=exposure).fit(
            cov_type=covariance_type, maxiter=200, tol=1e-10, tol_criterion="params"
        )
        cook = np.nan_to_num(poisson.get_influence().cooks_distance[0])
        mean = np.asarray(poisson.fittedvalues)
        if not poisson.converged or not np.isfinite(mean).all():
            raise SplgbenchError("the Poisson regression does not converge")
        alpha, p = _overdispersion(cases, mean, design.shape[1])
        model, fitted, log_likelihood = "poisson", poisson, float(poisson.llf)
        parameters, errors, spread = poisson.params, poisson.bse, poisson.cov_params()
        if family == "negative-binomial" or (family == "auto" and p < OVERDISPERSED):
            start = np.append(parameters, max(alpha, 1e-4))
            fitted = api.NegativeBinomial(cases, design, exposure=exposure, loglike_method="nb2").fit(
                start_params=start, disp=0, maxiter=500, cov_type=covariance_type
            )
            # Without overdispersion the likelihood is largest at alpha = 0, at the edge: Poisson is the answer.
            if fitted.mle_retvals["converged"] and np.isfinite(fitted.bse).all() and fitted.params[-1] > 0:
                model, log_likelihood, alpha = "negative-binomial", float(fitted.llf), float(fitted.params[-1])
                parameters, errors = fitted.params[:-1], fitted.bse[:-1]
                spread = fitted.cov_params()[:-1, :-1]
    final = exposure * np.exp(design @ np.asarray(parameters))
    flat = exposure * (cases.sum() / exposure.sum())
    nothing = _deviance(cases, flat)
    return Fit(
        model=model,
        names=("const", *names),
        coefficients=np.asarray(parameters),
        errors=np.asarray(errors),
        covariance=np.asarray(spread),
        alpha=alpha if model == "negative-binomial" else 0.0,
        r2=1 - _deviance(cases, final) / nothing if nothing > 1e-9 else None,
        dispersion=float(poisson.pearson_chi2 / max(1, poisson.df_resid)),
        overdispersion_p=p,
        cook=cook,
        log_likelihood=log_likelihood,
    )


def _design(covariates: FloatArray) -> FloatArray:
    return np.column_stack([np.ones(len(covariates)), covariates])


def _deviance(cases: FloatArray, mean: FloatArray) -> float:
    ratio = np.where(cases > 0, cases / mean, 1.0)
    return float(2 * np.sum(cases * np.log(ratio) - (cases - mean)))


def _overdispersion(cases: FloatArray, mean: FloatArray, parameters: int) -> tuple[float, float]:
    """alpha of Var = m + alpha m^2 by moments, and the one-sided p-value of alpha = 0."""
    count = len(cases)
    if count <= parameters + 1:
        return 0.0, 1.0
    response = ((cases - mean) ** 2 - cases) / mean
    alpha = float(response @ mean / (mean @ mean))
    rest = response - alpha * mean
    error = math.sqrt(float(rest @ rest) / (count - 1) / float(mean @ mean))
    statistic = alpha / error if error > 0 else 0.0
    return alpha, 0.5 * math.erfc(statistic / math.sqrt(2))


@dataclass(frozen=True)
class Need:
    """The step's result.

    Parameters
    ----------
    table : the table `need`.
    regions : group, region, observed, expected, residual, low, high: the planned regions one by one.
    coefficients : group, specification, model, term, coefficient, error.
    diagnostics : group, specification, model, r2, dispersion, overdispersion_p, alpha, cook_max, cook_region.
    fits : by (group, specification).
    """

    table: Columns
    regions: Columns
    coefficients: Columns
    diagnostics: Columns
    fits: Mapping[tuple[str, int], Fit] = field(repr=False)


NEED_COLUMNS = (
    "group",
    "observed",
    "expected",
    "residual",
    "low",
    "high",
    "overuse",
    "screened",
    "supply_share",
    "reduction",
    "need",
)
_REGION_COLUMNS = ("group", "region", "observed", "expected", "residual", "low", "high")
_TERM_COLUMNS = ("group", "specification", "model", "term", "coefficient", "error")
_DIAGNOSTIC_COLUMNS = (
    "group",
    "specification",
    "model",
    "r2",
    "dispersion",
    "overdispersion_p",
    "alpha",
    "cook_max",
    "cook_region",
)


def reduction(overuse: int, supply_share: int) -> int:
    """Cases that are not needed: the supply-induced part of the over-use, rounded down."""
    return overuse * supply_share // 100


def need(groups: Any, regions: Any, region_cases: Any, rules: NeedRules) -> Need:
    """The need of the planning region by group.

    Parameters
    ----------
    groups, regions, region_cases : tables of these schemas; `regions` with the covariates that `rules` names.

    Returns
    -------
    Need
        Totals add up in whole cases: observed = need + reduction, by group and in sum.

    Raises
    ------
    InputError
        A table breaks its schema, no region is planned, or a key is not known.
    SplgbenchError
        A regression cannot be computed; the message names the group.
    """
    covariates = sorted({column for columns in rules.specifications.values() for column in columns})
    group_sheet, region_sheet = sheet("groups", groups), sheet("regions", regions, covariates)
    counts = _counts(group_sheet, region_sheet, sheet("region_cases", region_cases))
    if rules.specification not in rules.specifications:
        raise InputError(f"has no specification {rules.specification}", "need")
    planned = np.array(region_sheet["planned"], dtype=np.bool_)
    if not planned.any():
        raise InputError("must mark at least one region as planned", region_sheet.table.file)
    fitted = ~planned if rules.fitted_on == "outside" else np.ones(len(planned), dtype=np.bool_)
    exposure = np.array(region_sheet["population"], dtype=np.float64)
    matrices = {
        number: np.column_stack([np.array(region_sheet[column], dtype=np.float64) for column in columns])
        for number, columns in rules.specifications.items()
    }
    names = [name for name, flag in zip(region_sheet["region"], planned, strict=True) if flag]
    fitted_names = [name for name, flag in zip(region_sheet["region"], fitted, strict=True) if flag]
    quantile = normal_quantile(rules.level)
    rows, detail, terms, diagnostics = [], [], [], []
    fits: dict[tuple[str, int], Fit] = {}
    settings = zip(group_sheet["group"], group_sheet["screened"], group_sheet["supply_share"], strict=True)
    for position, (group, screening, share) in enumerate(settings):
        cases = counts[position].astype(np.float64)
        for number, matrix in matrices.items():
            try:
                fit = fit_counts(
                    cases[fitted], exposure[fitted], matrix[fitted], rules.specifications[number], rules.family
                )
            except SplgbenchError as error:
                raise SplgbenchError(f"need of {group}, specification {number}: {error}") from None
            fits[group, number] = fit
            terms += [
                (group, number, fit.model, term, float(value), float(spread))
                for term, value, spread in zip(fit.names, fit.coefficients, fit.errors, strict=True)
            ]
            worst = int(np.argmax(fit.cook))
            diagnostics.append(
                (
                    group,
                    number,
                    fit.model,
                    fit.r2,
                    fit.dispersion,
                    fit.overdispersion_p,
                    fit.alpha,
                    float(fit.cook[worst]),
                    fitted_names[worst],
                )
            )
        fit, matrix = fits[group, rules.specification], matrices[rules.specification]
        for at, name in zip(np.flatnonzero(planned).tolist(), names, strict=True):
            here = _against(cases[[at]], fit, exposure[[at]], matrix[[at]], quantile)
            detail.append((group, name, *here))
        observed, expected, residual, low, high = _against(
            cases[planned], fit, exposure[planned], matrix[planned], quantile
        )
        overuse = max(0, math.floor(residual + 1e-9))
        screened = screening == "yes" or (screening == "rule" and overuse >= rules.least_cases)
        part = rules.supply_share if share is None else share
        less = reduction(overuse, part) if screened else 0
        rows.append(
            (group, observed, expected, residual, low, high, overuse, int(screened), part, less, observed - less)
        )
    return Need(
        columns_of(NEED_COLUMNS, rows),
        columns_of(_REGION_COLUMNS, detail),
        columns_of(_TERM_COLUMNS, terms),
        columns_of(_DIAGNOSTIC_COLUMNS, diagnostics),
        fits,
    )


def _counts(groups: Sheet, regions: Sheet, cases: Sheet) -> NDArray[np.int64]:
    """Cases, shape (groups, regions)."""
    cases.refer("group", groups["group"], "groups")
    cases.refer("region", regions["region"], "regions")
    cases.finish()
    group_at = {group: position for position, group in enumerate(groups["group"])}
    region_at = {region: position for position, region in enumerate(regions["region"])}
    counts = np.zeros((len(group_at), len(region_at)), dtype=np.int64)
    for _, region, group, number in cases.rows("region", "group", "cases"):
        counts[group_at[group], region_at[region]] = number
    return counts


def _against(
    cases: FloatArray, fit: Fit, exposure: FloatArray, covariates: FloatArray, quantile: float
) -> tuple[int, float, float, float, float]:
    """Observed, expected, residual and the residual's interval, of some regions together."""
    observed = float(cases.sum())
    expected, variance = fit.sum_and_variance(exposure, covariates)
    # The over-use is itself counted, with the variance of the count: what was observed beyond what was expected.
    spread = quantile * math.sqrt(variance + max(0.0, observed - expected))
    residual = observed - expected
    return int(observed), expected, residual, residual - spread, residual + spread


def normal_quantile(level: float) -> float:
    """Standard deviations to either side of the mean that hold the part `level` of a normal distribution."""
    from scipy.special import ndtri

    return float(ndtri(0.5 + level / 2))
