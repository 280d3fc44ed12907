"""The same program sees the same date and draws the same numbers, whenever and wherever it is run."""

from __future__ import annotations

import asyncio
import sys

import pytest

from datagen.sandbox.deterministic import MOMENT
from datagen.sandbox.run import Sandbox
from datagen.sandbox.screen import Inputs, Screen

TODAY = """
import datetime, logging, time
from datetime import date, datetime as moment, timezone
class Later(moment):
    pass
class Holds:
    clock = time.time
def seen():
    return [
        date.today(), datetime.date.today(), moment.now().date(), moment.today().date(),
        moment.utcnow().date(),
        moment.now(timezone.utc).date(), datetime.datetime.now(tz=None).date(), Later.now().date(),
        date.fromtimestamp(time.time()), date.fromtimestamp(time.time_ns() // 10**9),
        date.fromtimestamp(Holds().clock()), date(*time.localtime()[:3]), date(*time.gmtime(None)[:3]),
        moment.strptime(time.ctime(), "%a %b %d %H:%M:%S %Y").date(),
        moment.strptime(time.asctime(), "%a %b %d %H:%M:%S %Y").date(),
        date.fromisoformat(time.strftime("%Y-%m-%d")),
        date.fromtimestamp(time.clock_gettime(time.CLOCK_REALTIME)),
        date.fromtimestamp(logging.makeLogRecord({}).created),
    ]
def hours():
    return [moment.now().hour, time.localtime().tm_hour, moment.now(timezone.utc).hour, moment.utcnow().hour]
def zone():
    return [time.tzname[0], time.strftime("%Z"), time.timezone, time.localtime().tm_zone]
def elsewhen():
    begin = time.gmtime(0)
    return [time.ctime(0), time.asctime(begin), time.strftime("%Y", begin), begin[0]]
"""
TYPES = """
import pickle
from copy import copy
from datetime import date, datetime, timedelta, timezone
class Later(datetime):
    pass
def types():
    now = datetime.now()
    return [
        type(now) is datetime, type(now + timedelta(1)) is datetime, isinstance(now, date),
        pickle.loads(pickle.dumps(now)) == now == copy(now), type(Later.now()) is Later,
        type(date.today()) is date,
        Later.utcnow().tzinfo is None, datetime.now(timezone.utc).tzinfo is timezone.utc, now.fold == 0,
    ]
def now():
    return datetime.now()
def refused():
    try:
        datetime.now("UTC")
    except TypeError as error:
        return str(error)
"""
DRAWS = """
import os, random, secrets, tempfile, uuid
def draws():
    random.seed()
    seeded = random.random()
    return [
        os.urandom(8), secrets.token_hex(8), secrets.randbelow(10**9), uuid.uuid4().hex, seeded,
        random.Random().random(), random.Random(None).random(), random.SystemRandom().random(),
        tempfile.mkdtemp(), hash("a"), os.cpu_count(),
    ]
def random_is_usual():
    return [random.Random(5).random() == random.Random(5).random(), random.Random("a").random() < 1]
"""


def outcomes(code, tests, *, trusted=False, times=1):
    """What came of the tests, for each time that the program is run; its messages tell values."""

    async def judged():
        async with Sandbox(1) as sandbox:
            return [await sandbox.run(code, tests, trusted=trusted) for _ in range(times)]

    return [[one.detail for one in verdict.outcomes] for verdict in asyncio.run(judged())]


def holds(code, *tests, trusted=False):
    assert outcomes(code, tests, trusted=trusted) == [[""] * len(tests)]


@pytest.mark.parametrize("trusted", [False, True])
def test_every_program_begins_at_noon_on_the_first_of_january(trusted):
    """All ways to ask for the date give it, in the program and in its tests, and the zone is UTC."""
    tests = [
        "import datetime\nassert set(seen()) == {datetime.date(2024, 1, 1)}",
        "assert set(hours()) == {12}",
        "assert zone() == ['UTC', 'UTC', 0, 'UTC']",
        "assert elsewhen() == ['Thu Jan  1 00:00:00 1970', 'Thu Jan  1 00:00:00 1970', '1970', 1970]",
        "import datetime\nassert datetime.datetime.now().isoformat()[:14] == '2024-01-01T12:'",
        "from datetime import date\nassert seen()[0] == date.today()",
    ]
    holds(TODAY, *tests, trusted=trusted)
    assert MOMENT == 1704110400


def test_dates_keep_their_types():
    """They are those of the standard library, also where they cross to the tests."""
    tests = [
        "assert all(types())",
        "import datetime\nassert type(now()) is datetime.datetime",
        "assert refused() == \"tzinfo argument must be None or of a tzinfo subclass, not type 'str'\"",
    ]
    holds(TYPES, *tests)


def test_the_clock_goes_on():
    """A loop until a later moment ends, and program and tests agree on the moment, after a restart too."""
    code = """
import os, time
from datetime import datetime, timedelta
def wait():
    begun, until = time.time(), datetime.now() + timedelta(seconds=0.05)
    while datetime.now() < until:
        pass
    return 0.04 < time.time() - begun
def now():
    return datetime.now()
def end():
    os._exit(0)
"""
    near = "from datetime import datetime\nbegun = datetime.now()\nassert begun <= now() <= datetime.now()"
    found = outcomes(code, ["assert wait()", near, "end()", near])
    assert found[0][:2] + found[0][3:] == ["", "", ""]


def test_each_program_draws_the_same():
    """What the kernel would draw is the same in each run, in a checker that has had others too."""
    drawn = "assert 0, draws()"
    found = outcomes(DRAWS, [drawn, "assert all(random_is_usual())"], times=3)
    assert found[0][0].startswith("AssertionError: [b")
    assert found[0] == found[1] == found[2]
    assert found[0] == outcomes(DRAWS, [drawn, "assert all(random_is_usual())"])[0]
    drawn = "(os.urandom(4), random.Random().random(), secrets.token_hex(4))"
    own = f"import os, random, secrets\nassert 0, {drawn}"
    tests = outcomes("x = 1", [own], trusted=True, times=3)
    assert tests[0] == tests[1] == tests[2]
    assert len(set(outcomes(DRAWS, ["assert 0, draws()"] * 2)[0])) == 2


def test_screened_programs_see_the_date_too():
    """Whichever worker runs them, and however many others it had."""
    code = "import random\nfrom datetime import date\n"
    code += "def f(x):\n    return [date.today().year, random.Random().random()]\n"

    async def screened():
        async with Screen(1) as screen:
            return await screen.run([code, "def f(x): return x", code, f"import os\n{code}"], Inputs([(1,)]))

    first, _, again, apart = asyncio.run(screened())
    assert "2024" in str(first.functions["f"])
    assert first.functions == again.functions == apart.functions


@pytest.mark.skipif(sys.platform != "linux", reason="there are layers on Linux alone")
def test_the_zone_of_the_machine_does_not_matter(monkeypatch):
    """Where programs can read the machine's files, the zone is UTC all the same."""
    monkeypatch.setenv("DATAGEN_SANDBOX", "seccomp+rlimits")
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    zone = 'import time\ndef zone():\n    return time.tzname[0], time.strftime("%H %Z")\n'
    holds(zone, "assert zone() == ('UTC', '12 UTC')")
