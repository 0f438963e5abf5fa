from __future__ import annotations

import json
import os
import signal
import socket
from collections.abc import Iterator
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from local.descendants import descendants_of, find_process, is_running
from local.errors import StackError
from local.readiness import accepts_connections
from local.settings import StackSettings
from local.stack import Stack

FUNCTIONS_FOLDER = Path(__file__).with_name("stack_functions")
SETTINGS = StackSettings(functions_folder=FUNCTIONS_FOLDER)
PARTS = frozenset({"api", "send", "gateway"})


@pytest.fixture(scope="module")
def functions(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    environment = {"PATH": "/usr/bin:/bin", "GOOGLE_APPLICATION_CREDENTIALS": "/a/real/account.json", "K_SERVICE": "elsewhere"}
    with Stack(SETTINGS, folder=tmp_path_factory.mktemp("functions"), parts=PARTS, environment=environment) as running:
        yield running


def fetch(url: str, **headers: str) -> dict[str, object]:
    with urlopen(Request(url, headers=headers), timeout=10) as response:  # noqa: S310 - loopback
        answer: dict[str, object] = json.load(response)
    return answer


def test_root_and_api_routes_reach_the_api_function_with_their_path(functions: Stack) -> None:
    assert fetch(f"{functions.urls['gateway']}/api/v1/x%2Fy/?q=%20a")["path"] == "/api/v1/x/y/?q=%20a"


def test_another_function_answers_under_its_own_path_and_sees_the_rest(functions: Stack) -> None:
    assert fetch(f"{functions.urls['gateway']}/send/chunk?n=1")["path"] == "/chunk?n=1"


def test_gateway_appends_the_peer_to_the_forwarding_chain(functions: Stack) -> None:
    headers = fetch(f"{functions.urls['gateway']}/", **{"X-Forwarded-For": "203.0.113.9"})["headers"]
    assert isinstance(headers, dict)
    assert headers["X-Forwarded-For"] == "203.0.113.9, 127.0.0.1"


def test_a_large_body_arrives_whole(functions: Stack) -> None:
    body = b"0123456789abcdef" * 500_000
    with urlopen(Request(f"{functions.urls['gateway']}/", data=body), timeout=30) as response:  # noqa: S310 - loopback
        assert json.load(response)["body"] == body.decode()


def test_events_arrive_while_the_answer_is_still_open(functions: Stack) -> None:
    with urlopen(f"{functions.urls['gateway']}/slow", timeout=10) as response:  # noqa: S310 - loopback
        assert response.readline() == b"data: first\n"
        fetch(f"{functions.urls['gateway']}/go-on")
        assert b"data: second" in response.read()


def test_functions_find_the_stack_and_nothing_of_another_project(functions: Stack) -> None:
    seen = fetch(f"{functions.urls['gateway']}/")["environment"]
    assert isinstance(seen, dict)
    assert {name: seen.get(name) for name in functions.environment} == functions.environment
    assert seen["FUNCTION_TARGET"] == "api"
    assert not {"GOOGLE_APPLICATION_CREDENTIALS", "K_SERVICE"} & set(seen)


def test_a_killed_function_answers_502_until_it_is_restarted(functions: Stack) -> None:
    url = f"{functions.urls['gateway']}/send"
    before = fetch(url)["pid"]
    functions.kill("send", signal.SIGKILL)
    with pytest.raises(HTTPError) as refused:
        fetch(url)
    with refused.value as answer:
        problem = json.load(answer)
    assert (answer.code, answer.headers["Content-Type"].partition(";")[0]) == (502, "application/problem+json")
    assert (problem["status"], problem["code"]) == (502, "function_unavailable")
    functions.restart("send")
    assert fetch(url)["pid"] != before
    functions.check()


def test_a_stopped_part_goes_on_when_it_is_continued(functions: Stack) -> None:
    functions.kill("api", signal.SIGSTOP)
    with pytest.raises(TimeoutError), urlopen(functions.urls["api"], timeout=0.3):  # noqa: S310 - loopback
        pass
    functions.kill("api", signal.SIGCONT)
    assert fetch(functions.urls["api"])["path"] == "/?"


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_nothing_of_a_killed_part_is_left_and_its_port_is_closed(functions: Stack, number: signal.Signals) -> None:
    leader = functions.pid("send")
    assert leader
    worker = descendants_of(leader)
    assert worker
    functions.kill("send", number)
    assert not any(is_running(process) for process in worker)
    assert functions.pid("send") is None
    assert not accepts_connections(int(functions.urls["send"].rpartition(":")[2]))
    functions.restart("send")


SLOW_TO_FORK = """
import os, threading
os.register_at_fork(before=lambda: threading.Event().wait(1))
def send(request):
    return "sent"
"""


def test_a_function_that_listens_and_has_no_worker_yet_is_not_ready(tmp_path: Path) -> None:
    (tmp_path / "main.py").write_text(SLOW_TO_FORK, encoding="utf-8")
    with Stack(StackSettings(functions_folder=tmp_path), folder=tmp_path / "run", parts={"send"}) as stack:
        leader = stack.pid("send")
        assert leader
        assert descendants_of(leader)


def test_a_restart_ends_what_the_part_has_left_behind(functions: Stack) -> None:
    leader = functions.pid("send")
    assert leader
    (worker,) = descendants_of(leader)
    os.kill(worker.pid, signal.SIGSTOP)
    os.kill(leader, signal.SIGKILL)
    functions.restart("send")
    assert not is_running(worker)
    assert fetch(functions.urls["send"])["pid"] != worker.pid


def test_a_restart_does_not_take_a_stranger_on_the_port_for_the_part(functions: Stack) -> None:
    functions.kill("send")
    port = int(functions.urls["send"].rpartition(":")[2])
    with socket.create_server(("127.0.0.1", port)), pytest.raises(StackError, match=f"still accepts connections .*{port}"):
        functions.restart("send")
    functions.restart("send")


def test_what_has_its_own_session_is_killed_with_its_part(functions: Stack) -> None:
    stray = find_process(int(str(fetch(f"{functions.urls['send']}/leave")["stray"])))
    assert stray
    assert stray.session == stray.pid
    functions.kill("send", signal.SIGKILL)
    assert not is_running(stray)
    functions.restart("send")


def test_a_part_that_ends_by_itself_is_named(tmp_path: Path) -> None:
    with Stack(SETTINGS, folder=tmp_path, parts={"send"}) as stack:
        pid = stack.pid("send")
        assert pid
        os.kill(pid, signal.SIGKILL)
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
        with pytest.raises(StackError, match="send ended with status -9"):
            stack.check()


def test_nothing_survives_the_block(tmp_path: Path) -> None:
    with Stack(SETTINGS, folder=tmp_path, parts={"firestore", *PARTS}) as stack:
        leaders = [process for name in ("firestore", *PARTS) if (process := find_process(stack.pid(name) or 0))]
        below = [process for leader in leaders for process in descendants_of(leader.pid)]
        assert len(leaders) == 4
        # The emulator's Java and the workers of both functions.
        assert len(below) >= 3
    assert not any(is_running(process) for process in (*leaders, *below))


def test_nothing_survives_the_end_of_a_part_that_ended_before_the_block(tmp_path: Path) -> None:
    with Stack(SETTINGS, folder=tmp_path, parts={"send"}) as stack:
        leader = stack.pid("send")
        assert leader
        below = descendants_of(leader)
        os.kill(leader, signal.SIGKILL)
    assert below
    assert not any(is_running(process) for process in below)


def test_a_function_that_cannot_be_loaded_stops_the_start_with_its_reason(tmp_path: Path) -> None:
    (tmp_path / "main.py").write_text("raise RuntimeError('no such luck')\n", encoding="utf-8")
    stack = Stack(StackSettings(functions_folder=tmp_path), folder=tmp_path / "run", parts=PARTS)
    with pytest.raises(StackError, match=r"ended with status 1; its log .* ends with: RuntimeError: no such luck"), stack:
        pass
    assert not any(stack.pid(name) for name in PARTS)


def test_a_taken_port_is_one_sentence_before_anything_starts(tmp_path: Path) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]
        stack = Stack(StackSettings(port=port, functions_folder=FUNCTIONS_FOLDER), folder=tmp_path, parts=PARTS)
        with pytest.raises(StackError, match=f"Port {port} on 127.0.0.1 is taken"), stack:
            pass
    assert not (tmp_path / "logs").exists()


def test_two_stacks_run_side_by_side(functions: Stack, tmp_path: Path) -> None:
    with Stack(SETTINGS, folder=tmp_path, parts=PARTS) as second:
        assert fetch(f"{functions.urls['gateway']}/send")["pid"] != fetch(f"{second.urls['gateway']}/send")["pid"]
