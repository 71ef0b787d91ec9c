"""How often intervals hold a planted effect, and how often the test of parallel trends rejects.

python benchmarks/planted_effects.py -o benchmarks/results/planted_effects.md
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from splgbench.generator.screening import machine
from splgbench.solver_libraries import version_of
from splgbench.value.evaluation import evaluate
from splgbench.value.planted import CASE_MIX, Planted, planted_panel

PANELS = {
    "40 units, 16 under contract": Planted(),
    "the same, starts in two periods, effects that grow": Planted(stagger=1, growth=-0.5),
    "the same, trends part by 0.3 a period": Planted(trend=0.3),
    "the same, trends part by 0.6 a period": Planted(trend=0.6),
    "120 units, 48 under contract": Planted(units=120, treated=48),
    "12 units, 4 under contract": Planted(units=12, treated=4),
}


def rates(planted: Planted, panels: int) -> tuple[float, float, float, float]:
    """Parts of the panels: interval holds the effect; holds it without case mix; trends rejected. And the mean bias."""
    holds, holds_unadjusted, rejected, bias = [], [], [], []
    for seed in range(panels):
        found = evaluate(planted_panel(planted, seed), CASE_MIX)
        effect = planted.mean_effect()
        holds.append(found.effect.low <= effect <= found.effect.high)
        holds_unadjusted.append(found.unadjusted.low <= effect <= found.unadjusted.high)
        rejected.append(found.trends is not None and found.trends.p < 0.05)
        bias.append(found.effect.value - effect)
    return float(np.mean(holds)), float(np.mean(holds_unadjusted)), float(np.mean(rejected)), float(np.mean(bias))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--panels", type=int, default=500)
    parser.add_argument("-o", "--output", type=Path)
    arguments = parser.parse_args()
    told = Planted()
    lines = [
        "# Planted effects",
        "",
        f"Command: `python benchmarks/planted_effects.py -o benchmarks/results/planted_effects.md`. {arguments.panels} "
        f"panels a line, seeds from 0; {told.periods} periods, effect {told.effect:g}, noise {told.noise:g}, case mix "
        f"that drifts by {told.drift:g} a period under contract. 95 % intervals, tests at 5 %.",
        "",
        f"Machine: {machine()}, shared. Versions: splgbench {version_of('splgbench')}, numpy {version_of('numpy')}, "
        f"statsmodels {version_of('statsmodels')}.",
        "",
        "| panel | interval holds the effect | without case mix | parallel trends rejected | mean bias |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    for name, planted in PANELS.items():
        holds, unadjusted, rejected, bias = rates(planted, arguments.panels)
        lines.append(f"| {name} | {holds:.1%} | {unadjusted:.1%} | {rejected:.1%} | {bias:+.3f} |")
    text = "\n".join(lines) + "\n"
    print(text)
    if arguments.output is not None:
        arguments.output.write_text(text)


if __name__ == "__main__":
    main()
