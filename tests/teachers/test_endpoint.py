"""The stand-in server of these tests, which they rely on, and the one that measurements use."""

from __future__ import annotations

import contextlib
import email.utils
import http.client
import json
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import endpoint
import faults
import openai
import pytest
import replies
from endpoint import KEY, Endpoint, digest

from datagen.evolution import methods

BODY = {"model": "m", "messages": [{"role": "user", "content": "Write `twice(x)`."}]}
CHAT = "/v1/chat/completions"
NULL_SERVER = Path(__file__).parents[2] / "bench" / "null_server.py"


def post(url, body):
    request = urllib.request.Request(f"{url}/chat/completions", json.dumps(body).encode())
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request) as answer:
        return json.load(answer)["choices"][0]["message"]["content"]


def numbered(number):
    return BODY | {"seed": number}


def raw(port, body=BODY, timeout=5.0):
    """What a server answers: status, headers and content."""
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)) as connection:
        connection.request("POST", CHAT, json.dumps(body))
        response = connection.getresponse()
        return response.status, response.headers, response.read()


def status(server, body=BODY):
    return raw(server.server_port, body)[0]


def official(server, **options):
    """OpenAI's own client, without patience."""
    transport = openai.DefaultHttpxClient(trust_env=False)
    options = {"api_key": KEY, "max_retries": 0, "timeout": 5.0, "http_client": transport} | options
    return openai.OpenAI(base_url=server.url, **options)


def test_answers_depend_on_the_request_alone():
    """Whoever asks the same is told the same, whatever was asked before; and it is counted."""
    with Endpoint() as one, Endpoint() as other:
        post(other.url, {**BODY, "model": "else"})
        assert post(one.url, BODY) == post(one.url, BODY) == post(other.url, BODY)
        assert post(one.url, {**BODY, "seed": 1}) != post(one.url, BODY)
        assert sorted(one.asked.values()) == sorted(one.answered.values()) == [1, 3]
        assert one.repeated() == one.paid_twice() == 2


def test_as_a_process():
    """The file is a program, too: it prints its address, answers, and tells its counts."""
    command = [sys.executable, str(Path(endpoint.__file__)), "--delay", "0.01", "--faults", '{"500": 0}']
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            url = process.stdout.readline().strip()
            assert "def twice" in post(url, BODY)
            opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
            with opener.open(url) as answer:
                assert list(json.load(answer).values()) == [1]
            with opener.open(f"{url}/stats") as answer:
                stats = json.load(answer)
            assert (stats["asked"], stats["answered"], stats["paid_twice"]) == (1, 1, 0)
        finally:
            process.terminate()


def test_usage_is_told_and_added_up():
    """Longer prompts and replies cost more, and what was answered is what is billed."""
    with Endpoint() as server, official(server) as client:
        said = client.chat.completions.create(**BODY).usage
        asked = client.completions.create(model="m", prompt="word " * 300).usage
    assert (said.prompt_tokens, said.completion_tokens) == (3, 11)
    assert asked.prompt_tokens == 401
    assert server.tokens_billed == said.total_tokens + asked.total_tokens
    assert (server.tokens_in, server.tokens_out) == (404, 11 + asked.completion_tokens)


@pytest.mark.parametrize("fault", [name for name in faults.FAULTS if name[:3].isdecimal()])
def test_refusals(fault):
    """A refusal has its status and an error in its body; it is counted, and nothing is billed."""
    with Endpoint(fault=fault, retry_after="7") as server:
        code, headers, content = raw(server.server_port)
        if fault != "502":
            with official(server) as client, pytest.raises(openai.APIStatusError, match=f"fault {fault}"):
                client.chat.completions.create(**BODY)
    assert code == int(fault[:3])
    assert server.injected[fault] == server.asked.total()
    assert (server.answered.total(), server.tokens_billed) == (0, 0)
    if fault == "502":
        assert (headers["content-type"], content[:6]) == ("text/html", b"<html>")
    waits = {"429": "7", "503-retry-after": "7"}
    if fault == "429-date":
        ahead = email.utils.parsedate_to_datetime(headers["retry-after"]).timestamp() - time.time()
        assert 0.5 < ahead <= 2
    else:
        assert headers["retry-after"] == waits.get(fault)
    assert headers["x-ratelimit-reset-requests"] == ("20ms" if fault == "429-limits" else None)
    assert (b"insufficient_quota" in content) == (fault == "429-quota")


def test_limits_that_are_told_can_be_chosen():
    """The headers of 429-limits are a parameter."""
    with Endpoint(fault="429-limits", limits={"x-ratelimit-reset-tokens": "1m0.5s"}) as server:
        assert raw(server.server_port)[1]["x-ratelimit-reset-tokens"] == "1m0.5s"


@pytest.mark.parametrize(
    ("fault", "holds"),
    [
        ("html", b"<!doctype html>"),
        ("invalid-json", b"{'choices'"),
        ("truncated-json", b'"choices"'),
        ("no-choices", b"overloaded"),
        ("empty-choices", b'"choices": []'),
    ],
)
def test_answers_that_are_no_completion(fault, holds):
    """They come with 200, and are not billed."""
    with Endpoint(fault=fault) as server:
        code, _, content = raw(server.server_port)
    assert code == 200
    assert holds in content
    assert server.answered.total() == 0
    if fault in {"html", "invalid-json", "truncated-json"}:
        with pytest.raises(ValueError, match="Expecting"):
            json.loads(content)


def test_odd_completions_are_billed():
    """What is a completion, however odd, counts as answered."""
    seen = {}
    for fault in faults.CONTENT:
        with Endpoint(fault=fault) as server:
            seen[fault] = json.loads(raw(server.server_port)[2])
            assert server.answered.total() == server.injected[fault] == 1
    texts = {fault: answer["choices"][0]["message"]["content"] for fault, answer in seen.items()}
    assert (texts["null-content"], texts["empty-content"]) == (None, "")
    assert texts["surrogates"].startswith("\ud83d")
    assert seen["length"]["choices"][0]["finish_reason"] == "length"
    assert seen["other-model"]["model"] == "another-model"


@pytest.mark.parametrize(
    ("fault", "problem"),
    [
        ("reset", ConnectionResetError),
        ("hang", TimeoutError),
        ("cut-body", http.client.IncompleteRead),
        ("cut-chunked", http.client.IncompleteRead),
    ],
)
def test_broken_connections(fault, problem):
    """The client meets the error, and the server bills nothing."""
    with Endpoint(fault=fault) as server:
        with pytest.raises(problem):
            raw(server.server_port, timeout=0.1)
        with official(server, timeout=0.1) as client, pytest.raises(openai.APIConnectionError):
            client.chat.completions.create(**BODY)
    assert (server.asked.total(), server.injected[fault], server.answered.total()) == (2, 2, 0)


def test_dripping_answer_outlasts_the_time_between_bytes():
    """A client whose limit is between two bytes waits on and on; when it has all, that is billed."""
    with Endpoint(fault="drip", drip_seconds=0.002) as server:
        started = time.monotonic()
        assert json.loads(raw(server.server_port, timeout=0.2)[2])["choices"]
        assert time.monotonic() - started > 0.5
        assert server.answered.total() == 1
        server.drip_seconds = 0.05
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", server.server_port)) as connection:
            connection.request("POST", CHAT, json.dumps(BODY))
            response = connection.getresponse()
            assert response.read(3) == b'{"i'
    assert server.answered.total() == 1


def test_duplicate_response():
    """The whole response comes twice, so the next request of a careless client reads the old one."""
    with Endpoint(fault="duplicate", times=1) as server:
        with socket.create_connection(("127.0.0.1", server.server_port)) as connection:
            content = json.dumps(BODY).encode()
            connection.sendall(b"POST %b HTTP/1.1\r\ncontent-length: " % CHAT.encode())
            connection.sendall(b"%d\r\nconnection: close\r\n\r\n%b" % (len(content), content))
            received = b"".join(iter(lambda: connection.recv(1 << 16), b""))
        assert len(received) % 2 == 0
        assert received[: len(received) // 2] == received[len(received) // 2 :]
        assert received.count(b"HTTP/1.1 200") == 2
        assert server.answered.total() == 1


def test_several_faults_at_once():
    """Each has about its share, is met at most `times` times by a request, and is the same every time."""
    shares = {"500": 0.3, "429-bare": 0.2, "length": 0.2}

    def ask():
        with Endpoint(faults=shares, times=1) as server:
            codes = [[status(server, numbered(n)) for _ in range(6)] for n in range(60)]
            return codes, server.injected, server.answered.total()

    codes, injected, answered = ask()
    assert ask() == (codes, injected, answered)
    assert set(injected) == set(shares)
    assert all(sorted(each)[4:] <= [429, 500] and each.count(500) <= 1 for each in codes)
    assert 5 < sum(each[0] == 500 for each in codes) < 32
    assert answered == 360 - injected["500"] - injected["429-bare"]
    assert all(count <= 60 for count in injected.values())


def test_one_fault_for_a_share():
    """A single fault hits the same requests each time, until it has hit them often enough."""
    with Endpoint(fault="500", share=0.5, times=2) as server:
        codes = [[status(server, numbered(n)) for _ in range(4)] for n in range(20)]
    assert {tuple(each) for each in codes} == {(500, 500, 200, 200), (200,) * 4}


def test_server_that_goes_down_and_comes_back():
    """While it is down it refuses connections, open ones end, and then it is at the same port again."""
    with Endpoint(delay=30) as server, ThreadPoolExecutor() as pool:
        waiting = pool.submit(raw, server.server_port)
        server.wait_for(asked=1)
        server.go_down()
        with pytest.raises((http.client.RemoteDisconnected, ConnectionError)):
            waiting.result(5)
        with pytest.raises(ConnectionRefusedError):
            status(server)
        with official(server) as client, pytest.raises(openai.APIConnectionError):
            client.chat.completions.create(**BODY)
        server.delay = 0
        server.come_up()
        assert status(server) == 200
        server.go_down()
        server.come_up()
        assert status(server) == 200
    assert server.answered.total() == 2


def test_requests_per_window():
    """More requests than the limit meet 429 that says how long to wait, and then they are admitted."""
    with Endpoint(rpm=3, window=0.4) as server:
        _, headers, _ = raw(server.server_port)
        assert headers["x-ratelimit-remaining-requests"] == "2"
        assert [status(server, numbered(n)) for n in range(4)] == [200, 200, 429, 429]
        _, headers, _ = raw(server.server_port)
        assert headers["retry-after"] == "1"
        time.sleep(int(headers["retry-after-ms"]) / 1000)
        assert status(server) == 200
    assert server.refused == {"rpm": 3}
    assert (len(server.arrivals), server.asked.total(), server.answered.total()) == (7, 7, 4)
    assert server.most_within(60) == 7
    assert server.most_within(0.1) < 7


def test_requests_at_once():
    """More requests at a time than the limit meet 429."""
    with Endpoint(at_most_at_once=2, hold_after=0) as server, ThreadPoolExecutor() as pool:
        waiting = [pool.submit(status, server, numbered(n)) for n in range(2)]
        server.wait_for(asked=2)
        assert status(server) == 429
        server.release()
        assert [future.result() for future in waiting] == [200, 200]
        assert status(server) == 200
    assert (server.refused, server.most_at_once) == ({"at-once": 1}, 2)


def test_answers_to_a_killed_client():
    """What was written before kill -9 is answered; what the client was no longer there for is not."""
    program = (
        "import sys, threading\n"
        f"sys.path.insert(0, {str(Path(__file__).parent)!r})\n"
        "import http.client, json\n"
        "def ask(number):\n"
        "    connection = http.client.HTTPConnection('127.0.0.1', int(sys.argv[1]))\n"
        f"    connection.request('POST', {CHAT!r}, json.dumps({BODY!r} | {{'seed': number}}))\n"
        "    connection.getresponse().read()\n"
        "for number in range(5):\n"
        "    threading.Thread(target=ask, args=[number]).start()\n"
    )
    with Endpoint(hold_after=2) as server:
        process = subprocess.Popen([sys.executable, "-c", program, str(server.server_port)])
        server.wait_for(asked=5, answered=2)
        process.send_signal(signal.SIGKILL)
        process.wait()
        server.release()
        with server.lock:
            assert server.lock.wait_for(lambda: server.unheard.total() == 3, 5)
        assert server.answered.total() == 2
        assert all(post(server.url, numbered(n)) for n in range(5))
        assert (server.paid_twice(), server.repeated()) == (2, 5)


def test_an_answer_is_counted_before_anyone_knows_it():
    """Whoever has an answer finds it counted."""
    with Endpoint() as server:
        for number in range(1, 30):
            post(server.url, numbered(number))
            assert (server.answered.total(), server._at_once) == (number, 0)


def batch_of(client, bodies, **more):
    """Upload requests and create a batch of them."""
    lines = [
        {"custom_id": f"call-{n}", "method": "POST", "url": CHAT, "body": body}
        for n, body in enumerate(bodies)
    ]
    content = "".join(f"{json.dumps(line)}\n" for line in lines).encode()
    file = client.files.create(file=("calls.jsonl", content), purpose="batch")
    assert (file.bytes, client.files.content(file.id).content) == (len(content), content)
    return client.batches.create(
        input_file_id=file.id, endpoint=CHAT, completion_window="24h", metadata=more or None
    )


def poll(client, batch):
    """All states until the batch ends, and the batch."""
    states = [batch.status]
    while states[-1] not in {"completed", "failed", "expired", "cancelled"}:
        batch = client.batches.retrieve(batch.id)
        states.append(batch.status)
    return states, batch


def results(client, file):
    return [json.loads(line) for line in client.files.content(file).text.splitlines()] if file else []


def test_batch_is_done():
    """It goes through its states, answers what single calls are answered, in another order, and is paid."""
    bodies = [numbered(n) for n in range(7)]
    with Endpoint() as server, official(server) as client:
        states, batch = poll(client, batch_of(client, bodies, run="a"))
        assert states == ["validating", "in_progress", "finalizing", "completed"]
        counts = batch.request_counts
        assert (counts.total, counts.completed, counts.failed) == (7, 7, 0)
        assert (batch.metadata, batch.error_file_id, batch.endpoint) == ({"run": "a"}, None, CHAT)
        assert batch.completed_at >= batch.created_at
        output = results(client, batch.output_file_id)
        ids = [line["custom_id"] for line in output]
        assert sorted(ids) == [f"call-{n}" for n in range(7)] != ids
        assert (server.batches_created, server.answered.total(), server.paid_twice()) == (1, 7, 0)
        billed = sum(line["response"]["body"]["usage"]["total_tokens"] for line in output)
        assert server.tokens_billed == billed
        for line in output:
            said = line["response"]["body"]["choices"][0]["message"]["content"]
            assert post(server.url, bodies[int(line["custom_id"][5:])]) == said
            assert (line["error"], line["response"]["status_code"]) == (None, 200)
        assert server.paid_twice() == 7
        client.files.delete(batch.input_file_id)
        with pytest.raises(openai.NotFoundError):
            client.files.content(batch.input_file_id)
        assert [file.id for file in client.files.list()] == [batch.output_file_id]


def test_batch_takes_its_time():
    """It may be done after so many seconds instead, however often it is asked for."""
    with Endpoint(batch_seconds=0.3) as server, official(server) as client:
        batch = batch_of(client, [BODY])
        assert client.batches.retrieve(batch.id).status == "validating"
        time.sleep(0.32)
        assert [each.status for each in client.batches.list()] == ["completed"]
        assert client.batches.retrieve(batch.id).status == "completed"


def test_batches_are_listed():
    """The newest first, in pages, and listing is no poll."""
    with Endpoint() as server, official(server) as client:
        ids = [batch_of(client, [numbered(n)]).id for n in range(5)]
        page = client.batches.list(limit=2)
        assert ([batch.id for batch in page.data], page.has_more) == (ids[:2:-1], True)
        assert [batch.id for batch in client.batches.list(limit=2, after=ids[3])] == ids[2::-1]
        assert {batch.status for batch in client.batches.list()} == {"validating"}
        with pytest.raises(openai.NotFoundError):
            client.batches.retrieve("batch_none")


def test_cancelled_batch():
    """What was done before is in its output and paid; the rest is not."""
    with Endpoint() as server, official(server) as client:
        batch = batch_of(client, [numbered(n) for n in range(6)])
        client.batches.retrieve(batch.id)
        assert client.batches.cancel(batch.id).status == "cancelling"
        _, batch = poll(client, batch)
        assert batch.status == "cancelled"
        errors = results(client, batch.error_file_id)
        assert {line["error"]["code"] for line in errors} == {"batch_cancelled"}
        assert len(results(client, batch.output_file_id)) == len(errors) == server.answered.total() == 3
        with pytest.raises(openai.ConflictError):
            client.batches.cancel(batch.id)


def test_batch_that_fails():
    """Nothing of it is done; another one is, as the fault is met once."""
    with Endpoint(fault="batch-failed", times=1) as server, official(server) as client:
        states, batch = poll(client, batch_of(client, [BODY]))
        assert states == ["validating", "failed"]
        assert batch.errors.data[0].code == "token_limit_exceeded"
        assert (batch.output_file_id, server.answered.total(), server.asked.total()) == (None, 0, 0)
        assert poll(client, batch_of(client, [BODY]))[0][-1] == "completed"
        assert (server.injected, server.batches_created) == ({"batch-failed": 1}, 2)


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"{]\n", "invalid_json_line"),
        (b'{"custom_id": "a", "method": "POST", "url": "/v1/other", "body": {"model": "m"}}', "invalid_url"),
        (b"", "empty_file"),
    ],
)
def test_invalid_batch_fails(content, code):
    """An input file that OpenAI would not take fails its batch."""
    with Endpoint() as server, official(server) as client:
        file = client.files.create(file=("calls.jsonl", content), purpose="batch")
        batch = client.batches.create(input_file_id=file.id, endpoint=CHAT, completion_window="24h")
        states, batch = poll(client, batch)
    assert states == ["validating", "failed"]
    assert [error.code for error in batch.errors.data] == [code]


def test_batch_of_equal_ids_fails():
    """Ids are unique in a batch, and there is one model."""
    with Endpoint() as server, official(server) as client:
        line = {"custom_id": "a", "method": "POST", "url": CHAT, "body": BODY}
        other = line | {"body": BODY | {"model": "n"}}
        content = f"{json.dumps(line)}\n{json.dumps(other)}\n".encode()
        file = client.files.create(file=("calls.jsonl", content), purpose="batch")
        batch = client.batches.create(input_file_id=file.id, endpoint=CHAT, completion_window="24h")
        _, batch = poll(client, batch)
    codes = [(error.code, error.line) for error in batch.errors.data]
    assert codes == [("duplicate_custom_id", 2), ("mismatched_model", 2)]


def test_expired_batch():
    """Half of it is done and paid; the rest is in the error file."""
    with Endpoint(fault="batch-expired", times=1) as server, official(server) as client:
        states, batch = poll(client, batch_of(client, [numbered(n) for n in range(6)]))
        assert states[-1] == "expired"
        done, errors = (results(client, file) for file in (batch.output_file_id, batch.error_file_id))
        assert len({line["custom_id"] for line in done + errors}) == 6
        assert len(done) == server.answered.total() == 3
        assert all(line["response"] is None for line in errors)
        assert {line["error"]["code"] for line in errors} == {"batch_expired"}
        counts = batch.request_counts
        assert (counts.completed, counts.failed) == (3, 3)


def test_batch_with_some_errors():
    """A share of its requests fails with 500 or 429, and is not paid; a content's faults are met as well."""
    shares = {"batch-some-errors": 0.4, "length": 0.3}
    with Endpoint(faults=shares) as server, official(server) as client:
        states, batch = poll(client, batch_of(client, [numbered(n) for n in range(60)]))
        assert states[-1] == "completed"
        done, errors = (results(client, file) for file in (batch.output_file_id, batch.error_file_id))
    assert {line["response"]["status_code"] for line in errors} == {500, 429}
    assert {line["error"] for line in errors} == {None}
    assert len(errors) == server.injected["batch-some-errors"] > 10
    assert len(done) == server.answered.total() == 60 - len(errors)
    reasons = [line["response"]["body"]["choices"][0]["finish_reason"] for line in done]
    assert reasons.count("length") == server.injected["length"] > 5


def test_batch_that_cannot_be_asked_for():
    """Some polls are answered with 500, and are none."""
    with Endpoint(fault="batch-down", times=2) as server, official(server) as client:
        batch = batch_of(client, [BODY])
        for _ in range(2):
            with pytest.raises(openai.InternalServerError, match="batch-down"):
                client.batches.retrieve(batch.id)
        assert poll(client, batch)[0] == ["validating", "in_progress", "finalizing", "completed"]


def test_batch_whose_creation_is_not_answered():
    """It exists, and whoever looks for it finds it by its metadata."""
    with Endpoint(fault="batch-lost", times=1) as server, official(server) as client:
        with pytest.raises(openai.APIConnectionError):
            batch_of(client, [BODY], run="lost")
        (batch,) = client.batches.list()
        assert batch.metadata == {"run": "lost"}
        assert poll(client, batch)[1].status == "completed"
    assert (server.batches_created, server.answered.total()) == (1, 1)


def test_batches_want_the_key():
    """A wrong key meets 401 there, too."""
    with (
        Endpoint(key=KEY) as server,
        official(server, api_key="other") as client,
        pytest.raises(openai.AuthenticationError),
    ):
        client.batches.list()


def test_requests_are_counted_alike():
    """A request has the same hash as a call and in a batch."""
    with Endpoint() as server, official(server) as client:
        post(server.url, BODY)
        poll(client, batch_of(client, [BODY]))
        assert server.asked == server.answered == {digest(CHAT, BODY): 2}
        assert server.paid_twice() == 1


@pytest.fixture
def null_server():
    """The port of a server that answers at once."""
    with subprocess.Popen(
        [sys.executable, str(NULL_SERVER), "--port", "0"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        yield int(process.stdout.readline())
        process.stdin.close()
        assert process.wait(5) == 0


def test_null_server(null_server):
    """It answers evolving prompts with the old task and more, and other prompts with code."""
    url = f"http://127.0.0.1:{null_server}/v1"
    with openai.OpenAI(
        base_url=url, api_key=KEY, max_retries=0, http_client=openai.DefaultHttpxClient(trust_env=False)
    ) as client:

        def say(content, **more):
            answer = client.chat.completions.create(
                model="m", messages=[{"role": "user", "content": content}], **more
            )
            return answer.choices[0].message.content

        assert "```python\ndef twice(*given):" in say("Write `twice(x)`.")
        task = 'Sort "é\\n"\n\tby `size()`, \N{GRINNING FACE}.'
        asked = f"Harder.\n\n### Original exercise\n{task}\n\n### Harder exercise\n"
        said = {say(asked, seed=seed) for seed in range(20)}
        assert len(said) == 20
        assert all(text.startswith(f"{task} It ") for text in said)
        assert task not in say(f"New.\n\n### Original exercise\n{task}\n\n### New exercise\n")


def test_null_server_on_many_connections(null_server):
    """It serves clients at the same time, each on a connection that stays open."""

    def ask(first):
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", null_server)) as connection:
            for number in range(first, first + 10):
                connection.request("POST", CHAT, json.dumps(numbered(number) | {"pad": "x" * 200_000}))
                said.append(json.load(connection.getresponse())["id"])

    said = []
    threads = [threading.Thread(target=ask, args=[first]) for first in range(0, 80, 10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(said)) == 80


@pytest.mark.parametrize("source", [NULL_SERVER, Path(replies.__file__)], ids=lambda path: path.name)
def test_evolving_prompts_are_known(source):
    """Both servers look for the headings that datagen's prompts have."""
    headings = {value for name, value in vars(methods).items() if name.endswith("_HEADING")}
    assert len(headings) >= 2
    assert [heading for heading in headings if heading not in source.read_text()] == []
