"""From stacks to answers: holders, waits, chains, and what is called stuck."""

from __future__ import annotations

import pytest

from tests.support.live_stacks import (
    asleep,
    consumer,
    frame,
    lock_holder,
    lock_waiter,
    owned,
    process,
    rpc_caller,
    rpc_taker,
    stack,
    uuid_of,
    working,
)
from tracer.live import answer, text
from tracer.live.answer import MOVING, STUCK, UNKNOWN, Answer
from tracer.live.stacks import ProcessStacks
from tracer.live.survey import Round, Survey


class Visits(Survey):
    """Rounds of visits that a test has made up."""

    def __init__(self, *rounds: list[ProcessStacks]) -> None:
        super().__init__([])
        self._rounds = list(rounds)

    def visit(self) -> Round:
        """Return the next round; the last one again and again."""
        return Round(self._rounds.pop(0) if len(self._rounds) > 1 else self._rounds[0])


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tracer.live.survey.time.sleep", lambda seconds: None)


def ask(what: str, *rounds: list[ProcessStacks]) -> Answer:
    (result,) = Visits(*rounds).answers(what, 2.0)
    return result


def test_a_call_that_a_stopped_service_should_answer_is_stuck_after_one_visit() -> None:
    conductor = process("nova-conductor", [rpc_caller("vm1", "m1", "scheduler")])
    scheduler = process("nova-scheduler", state="T", problem="it is stopped", pid=77)
    result = ask("vm1", [conductor, scheduler], [])
    assert (result.state, result.next) == (STUCK, "kill -CONT 77")
    assert result.sentence.endswith("nova-scheduler (pid 77) is stopped (SIGSTOP).")


def test_a_call_to_a_queue_without_consumer_is_owed_by_its_service() -> None:
    result = ask("vm1", [process("nova-conductor", [rpc_caller("vm1", "m1", "scheduler")])])
    assert (result.state, result.owner and result.owner.service) == (STUCK, "nova-scheduler")


def test_the_chain_follows_a_message_to_who_has_taken_it() -> None:
    taker = rpc_taker("m1", "nova.scheduler.manager", "SchedulerManager.select_destinations")
    round_ = [process("nova-conductor", [rpc_caller("vm1", "m1", "scheduler")]), process("nova-scheduler", [taker])]
    chain = ask("vm1", round_).chains[0]
    assert [link.holder.process.service for link in chain.links] == ["nova-conductor", "nova-scheduler"]
    assert chain.links[0].details["taken"] == "yes"


def test_a_consumer_that_has_not_taken_the_message_owes() -> None:
    scheduler = process("nova-scheduler", [consumer("scheduler")], pid=88)
    owner = ask("vm1", [process("nova-conductor", [rpc_caller("vm1", "m1", "scheduler")]), scheduler]).owner
    assert owner is not None
    assert (owner.pid, owner.why) == (88, "consumes the queue, and has not taken the message")


def test_a_lock_is_followed_to_its_holder() -> None:
    compute = process(
        "nova-compute", [lock_waiter("vm1", "compute_resources"), lock_holder("vm2", "compute_resources")]
    )
    chain = ask("vm1", [compute]).chains[0]
    assert chain.links[0].waits_for == 'the lock "compute_resources"'
    assert chain.links[1].stack.first("name") == "vm2"


def test_a_stack_at_another_line_moves() -> None:
    rounds = [[process("nova-compute", [working("vm1", line, 5)], pid=9)] for line in (1, 2)]
    assert ask("vm1", *rounds).state == MOVING


def test_what_no_longer_holds_it_moves() -> None:
    assert ask("vm1", [process("nova-compute", [working("vm1")])], [process("nova-compute")]).state == MOVING


def test_a_wait_within_the_service_that_does_not_move_is_stuck() -> None:
    waiting = stack(
        [frame("threading", "Event.wait"), frame("nova.compute.manager", "ComputeManager._x")], owned("vm1")
    )
    assert ask("vm1", [process("nova-compute", [waiting], pid=9)]).state == STUCK


@pytest.mark.parametrize("what", [uuid_of("vm1"), uuid_of("vm1")[:8], f"req-{uuid_of('vm1')}", "vm1"])
def test_what_is_a_name_a_uuid_its_beginning_or_a_request_id(what: str) -> None:
    assert ask(what, [process("nova-compute", [working("vm1"), working("vm2")])]).subject.name == "vm1"


def test_nobody_works_for_an_unknown_name() -> None:
    result = ask("nope", [process("nova-compute", [working("vm1")])])
    assert (result.state, result.chains) == (UNKNOWN, [])


def test_two_stuck_boots_among_fifty_healthy_ones_have_their_own_answers() -> None:
    def services(line: int) -> list[ProcessStacks]:
        healthy = [working(f"ok{number}", line, 5000 + number) for number in range(50)]
        waiter, holder = lock_waiter("vm1", "disk"), lock_holder("vm0", "disk")
        return [
            process("nova-compute", [*healthy, waiter, holder], pid=9),
            process("nova-conductor", [rpc_caller("vm2", "m2", "scheduler", 7)], pid=8),
        ]

    first, second = services(1), services(2)
    # The same threads in both rounds.
    second[0] = process("nova-compute", [*second[0].stacks[:50], *first[0].stacks[50:]], pid=9)
    answers = {result.subject.name: result for result in Visits(first, second).answers(None, 2.0)}
    states = {name: result.state for name, result in answers.items()}
    assert {name for name, state in states.items() if state == STUCK} == {"vm0", "vm1", "vm2"}
    assert 'the lock "disk"' in answers["vm1"].sentence
    assert "select_destinations" in answers["vm2"].sentence
    assert all(states[f"ok{number}"] == MOVING for number in range(50))


def test_a_hundred_slow_boots_are_not_stuck() -> None:
    sleeping = [
        stack([frame("nova.virt.fake", "FakeDriver.spawn"), *working(f"vm{n}").frames], owned(f"vm{n}"))
        for n in range(100)
    ]
    round_ = [asleep("nova-compute", sleeping, pid=9)]
    states = [result.state for result in Visits(round_).answers(None, 2.0)]
    assert states == [UNKNOWN] * 100


def test_a_callee_without_an_instance_belongs_to_the_request_that_called_it() -> None:
    values = [(0, "request", "req-of-placement"), (0, "global", f"req-{uuid_of('vm1')}")]
    placement = process("placement-api", [stack([frame("placement.handlers.allocation", "set_allocations")], values)])
    holders = ask("vm1", [process("nova-scheduler", [working("vm1")]), placement]).subject.holders
    assert [holder.process.service for holder in holders] == ["nova-scheduler", "placement-api"]


def test_text_and_json_name_owner_and_wait() -> None:
    scheduler = process("nova-scheduler", state="T", problem="it is stopped", pid=77)
    result = ask("vm1", [process("nova-conductor", [rpc_caller("vm1", "m1", "scheduler")]), scheduler])
    printed = text.render(result)
    assert "waits for the answer to select_destinations() from scheduler (message: m1" in printed
    fields = answer.as_json(result)
    assert (fields["state"], fields["owner"]["pid"], fields["chains"][0][0]["wait"]["kind"]) == (STUCK, 77, "rpc")
    assert answer.as_explanation(result).keys() >= {"what", "outcome", "cause", "chain", "waits", "phases", "next"}
