"""A plan as a table and as JSON."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from loadtest.plan.model import Replica
from loadtest.plan.planner import Answer, Goal, Plan
from loadtest.plan.question import Question
from measurement.tables import format_table


@dataclass(frozen=True)
class Planned:
    """A plan with all that led to it. `basis` says where the costs are from, `unit` what is
    counted: GPUs, or replicas of the machine that was measured."""

    decoder: str
    basis: str
    goal: Goal
    question: Question
    replica: Replica
    unit: str
    units_per_replica: int
    plan: Plan
    assumptions: Sequence[str]


def plan_text(planned: Planned) -> str:
    goal, plan = planned.goal, planned.plan
    slo = f", p{goal.percentile:g} ≤ {goal.slo_ms:g} ms" if goal.slo_ms is not None else ""
    lines = [f"{planned.decoder} at {goal.rate:g} questions/s{slo}; {planned.basis}", ""]
    lines += [_answers(planned), ""]
    lines += [
        f"one replica: at most {plan.capacity:.2f} questions/s, {plan.slots:.0f} sequences at a "
        f"time; a question alone: p{goal.percentile:g} {plan.alone_ms:.0f} ms",
        f"what binds: {plan.binds}",
    ]
    if plan.simulated is None:
        lines.append(
            f"no number of replicas holds {goal.slo_ms:g} ms: a question alone takes longer"
        )
    lines += ["", "assumed:", *(f"- {line}" for line in planned.assumptions)]
    return "\n".join(lines)


def _answers(planned: Planned) -> str:
    plan, question = planned.plan, planned.question
    both = (plan.closed_form, plan.simulated)
    tokens = question.generated_tokens

    def row(name: str, *cells: str) -> tuple[str, ...]:
        return name, *cells

    def each(shown: str, name: str) -> tuple[str, ...]:
        values = [getattr(answer, name) if answer else None for answer in both]
        return tuple("–" if value is None else format(value, shown) for value in values)

    units = [
        f"{answer.replicas * planned.units_per_replica}" if answer else "none holds"
        for answer in both
    ]
    rows = [
        row(planned.unit, *units),
        row("utilization", *each(".2f", "utilization")),
        row("p50 ms", *each(".0f", "p50_ms")),
        row(f"p{planned.goal.percentile:g} ms", *each(".0f", "percentile_ms")),
        row("tokens/s", *[f"{planned.goal.rate * tokens:.0f}"] * 2),
        row("tokens/question", *[f"{tokens:.0f}"] * 2),
    ]
    return format_table(("", "closed form", "simulated"), rows)


def plan_json(planned: Planned) -> str:
    def answer(of: Answer | None) -> dict[str, float] | None:
        if of is None:
            return None
        return {**asdict(of), planned.unit.lower(): of.replicas * planned.units_per_replica}

    goal, question = planned.goal, planned.question
    told = {
        "decoder": planned.decoder,
        "basis": planned.basis,
        "goal": asdict(goal),
        "tokens_per_s": goal.rate * question.generated_tokens,
        "tokens_per_question": question.generated_tokens,
        "question": asdict(question),
        "replica": asdict(planned.replica),
        "plan": {
            **asdict(planned.plan),
            "closed_form": answer(planned.plan.closed_form),
            "simulated": answer(planned.plan.simulated),
        },
        "assumptions": list(planned.assumptions),
    }
    return json.dumps(told, indent=1, ensure_ascii=False)
