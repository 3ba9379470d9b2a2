"""A cycle that several threads ask for is made ready by one of them."""

import time
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from cereblon.study_program import OneStart


def test_first_call_is_made_alone_and_later_ones_together() -> None:
    running = 0
    calls: list[int] = []
    meet = Barrier(3, timeout=10)

    def work(number: int) -> int:
        nonlocal running
        running += 1
        calls.append(number)
        if len(calls) == 1:
            time.sleep(0.1)  # compiling: nobody else may be inside
            assert running == 1
        running -= 1
        return 2 * number

    program = OneStart(work)
    with ThreadPoolExecutor(3) as pool:

        def ask(number: int) -> int:
            meet.wait()
            return int(program(number))

        assert list(pool.map(ask, range(3))) == [0, 2, 4]


def test_a_failed_first_call_does_not_lock_out_others() -> None:
    answers = iter([ValueError("first"), 5])

    def work() -> int:
        answer = next(answers)
        if isinstance(answer, ValueError):
            raise answer
        return answer

    program = OneStart(work)
    try:
        program()
    except ValueError:
        assert program() == 5
    else:
        raise AssertionError("the first call should have failed")
