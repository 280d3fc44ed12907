"""What the kernel can take away from a process: namespaces, files, privileges, system calls, resources.

Everything goes through ctypes, because Python 3.11 knows none of it. Nothing here is undone: a process that
has given something up, and all that it starts, stay without it.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import signal
import struct
import sys
from pathlib import Path

_CLONE_NEWNS, _CLONE_NEWUTS, _CLONE_NEWIPC = 0x00020000, 0x04000000, 0x08000000
_CLONE_NEWUSER, _CLONE_NEWPID, _CLONE_NEWNET = 0x10000000, 0x20000000, 0x40000000
NEW_PID = _CLONE_NEWPID
#: Namespaces that a server gets; a user namespace besides where it needs one to make them.
SERVER_NAMESPACES = _CLONE_NEWNS | _CLONE_NEWUTS | _CLONE_NEWIPC | _CLONE_NEWPID | _CLONE_NEWNET
USER_NAMESPACE = _CLONE_NEWUSER
NOBODY = 65534

_MS_RDONLY, _MS_NOSUID, _MS_NODEV, _MS_REMOUNT, _MS_BIND, _MS_REC, _MS_PRIVATE = (
    1,
    2,
    4,
    32,
    4096,
    16384,
    1 << 18,
)
_MNT_DETACH = 2
_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE, PR_SET_SECCOMP = 1, 4, 22
_PR_SET_CHILD_SUBREAPER, _PR_SET_NO_NEW_PRIVS = 36, 38

#: System calls by machine: what isolation itself needs, and what a program must not call.
CALLS: dict[str, dict[str, int]] = {
    "x86_64": {
        **{"clone": 56, "pivot_root": 155, "mount_setattr": 442, "capset": 126, "clone3": 435, "kill": 62},
        **{"tkill": 200, "tgkill": 234, "rt_sigqueueinfo": 129, "rt_tgsigqueueinfo": 297},
        **{"fork": 57, "vfork": 58, "execve": 59, "execveat": 322, "unshare": 272, "setns": 308},
        **{"ptrace": 101, "process_vm_readv": 310, "process_vm_writev": 311, "pidfd_open": 434},
        **{"pidfd_getfd": 438, "pidfd_send_signal": 424, "mount": 165, "umount2": 166, "chroot": 161},
        **{"move_mount": 429, "open_tree": 428, "fsopen": 430, "fsmount": 432, "bpf": 321, "keyctl": 250},
        **{"add_key": 248, "request_key": 249, "perf_event_open": 298, "userfaultfd": 323},
        **{"memfd_create": 319, "memfd_secret": 447},
        **{"io_uring_setup": 425, "shmget": 29, "semget": 64, "msgget": 68, "mq_open": 240},
        **{"socket": 41, "connect": 42, "landlock_create_ruleset": 444, "landlock_add_rule": 445},
        **{"landlock_restrict_self": 446},
        **{"prlimit64": 302, "setpriority": 141, "sched_setscheduler": 144, "personality": 135},
        **{"sched_setparam": 142, "sched_setattr": 314, "sched_setaffinity": 203, "ioprio_set": 251},
        **{"fcntl": 72, "ioctl": 16},
    },
    "aarch64": {
        **{"clone": 220, "pivot_root": 41, "mount_setattr": 442, "capset": 91, "clone3": 435, "kill": 129},
        **{"tkill": 130, "tgkill": 131, "rt_sigqueueinfo": 138, "rt_tgsigqueueinfo": 240},
        **{"execve": 221, "execveat": 281, "unshare": 97, "setns": 268},
        **{"ptrace": 117, "process_vm_readv": 270, "process_vm_writev": 271, "pidfd_open": 434},
        **{"pidfd_getfd": 438, "pidfd_send_signal": 424, "mount": 40, "umount2": 39, "chroot": 51},
        **{"move_mount": 429, "open_tree": 428, "fsopen": 430, "fsmount": 432, "bpf": 280, "keyctl": 219},
        **{"add_key": 217, "request_key": 218, "perf_event_open": 241, "userfaultfd": 282},
        **{"memfd_create": 279, "memfd_secret": 447},
        **{"io_uring_setup": 425, "shmget": 194, "semget": 190, "msgget": 186, "mq_open": 180},
        **{"socket": 198, "connect": 203, "landlock_create_ruleset": 444, "landlock_add_rule": 445},
        **{"landlock_restrict_self": 446},
        **{"prlimit64": 261, "setpriority": 140, "sched_setscheduler": 119, "personality": 92},
        **{"sched_setparam": 118, "sched_setattr": 274, "sched_setaffinity": 122, "ioprio_set": 30},
        **{"fcntl": 25, "ioctl": 29},
    },
}
ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
#: Those of which it depends on the arguments or on the process what is refused (seccomp.py).
WATCHED = frozenset(
    "fork vfork clone clone3 kill tkill tgkill prlimit64 sched_setaffinity socket fcntl ioctl".split()
)

#: What there is to ask for, strongest first.
LAYERS = ("namespaces", "seccomp", "landlock", "rlimits")
#: Those that are not asked for.
_left_out: set[str] = set()

LINUX = sys.platform == "linux"
MACHINE = os.uname().machine if LINUX else ""
_libc = ctypes.PyDLL(None, use_errno=True)  # PyDLL keeps Python's lock, so that a clone is like os.fork()
_libc.syscall.restype = ctypes.c_long


def use_only(wanted: str) -> None:
    """Ask for no other layers than these, joined by "+"; "" is all of them."""
    _left_out.update({*LAYERS} - {*wanted.split("+")} if wanted else ())


def wants(layer: str) -> bool:
    """Whether a layer is to be used where the kernel has it."""
    return LINUX and layer not in _left_out


def call(name: str, *args: object) -> int:
    """A function of libc.

    Raises:
        OSError: it failed.
    """
    result: int = getattr(_libc, name)(*args)
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")
    return result


def system_call(name: str, *args: object) -> int:
    """A system call that this table knows.

    Raises:
        OSError: it failed.
    """
    longs = (ctypes.c_long(arg) if isinstance(arg, int) else arg for arg in args)
    return call("syscall", ctypes.c_long(CALLS[MACHINE][name]), *longs)


def fork(flags: int = 0) -> int:
    """Like `os.fork`, into new namespaces.

    Raises:
        OSError: the kernel does not grant them.
    """
    if not flags:
        return os.fork()
    ctypes.pythonapi.PyOS_BeforeFork()
    try:
        pid = system_call("clone", flags | signal.SIGCHLD, 0, 0, 0, 0)
    except OSError:
        ctypes.pythonapi.PyOS_AfterFork_Parent()
        raise
    if pid:
        ctypes.pythonapi.PyOS_AfterFork_Parent()
    else:
        ctypes.pythonapi.PyOS_AfterFork_Child()
    return pid


def end_with_parent(sent: int = signal.SIGKILL) -> None:
    """Ask for a signal at the end of the parent."""
    if LINUX:
        call("prctl", _PR_SET_PDEATHSIG, sent, 0, 0, 0)


def adopt_orphans() -> None:
    """Become the parent of descendants whose parent ends."""
    if LINUX:
        call("prctl", _PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def end_children() -> None:
    """Kill and reap what is below this process, as far as the kernel names it."""
    listed = Path(f"/proc/self/task/{os.getpid()}/children")
    with contextlib.suppress(ChildProcessError):
        while True:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
            try:
                found = listed.read_text(encoding="ascii").split()
            except OSError:  # there is no /proc in a namespace of its own, where nothing outlives its parent
                return
            for pid in found:
                with contextlib.suppress(OSError):
                    os.kill(int(pid), signal.SIGKILL)


def processes_of_user() -> int:
    """How many threads this user has: the kernel counts them all against RLIMIT_NPROC."""
    found = 0
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if process.stat().st_uid == os.getuid():
                found += sum(1 for _ in (process / "task").iterdir())
    return found


def hide_memory() -> None:
    """Let no process of this user read this one's memory."""
    if LINUX:
        call("prctl", _PR_SET_DUMPABLE, 0, 0, 0, 0)


def map_users(pid: int) -> None:
    """Give the user namespace of a child its users: this one, and for root the user nobody."""
    user, group = os.getuid(), os.getgid()
    more = f"\n{NOBODY} {NOBODY} 1" if user == 0 else ""
    if user != 0:
        Path(f"/proc/{pid}/setgroups").write_text("deny", encoding="ascii")
    Path(f"/proc/{pid}/uid_map").write_text(f"{user} {user} 1{more}", encoding="ascii")
    Path(f"/proc/{pid}/gid_map").write_text(
        f"{group} {group} 1{more if group == 0 else ''}", encoding="ascii"
    )


def _mount(source: str, target: str, kind: str | None, flags: int, options: str = "") -> None:
    call(
        "mount",
        source.encode(),
        target.encode(),
        kind.encode() if kind else None,
        ctypes.c_ulong(flags),
        options.encode(),
    )


#: What programs read, besides Python's own library: shared libraries and time zones.
_SEEN = (
    "/lib",
    "/lib64",
    "/usr/lib",
    "/usr/lib64",
    "/usr/local/lib",
    "/usr/share/zoneinfo",
    "/etc/ld.so.cache",
)
_DEVICES = ("null", "zero", "random", "urandom")


def seen() -> list[str]:
    """The folders and files that programs may read."""
    return [*_SEEN, str(Path(os.__file__).parent), f"{sys.base_prefix}/lib"]


def make_root() -> None:
    """Leave this mount namespace with libraries to read, a few devices, and an empty /tmp.

    Raises:
        OSError: the kernel refuses.
    """
    root = "/proc"  # a folder that every Linux has, and that holds nothing that is needed later
    _mount("none", "/", None, _MS_REC | _MS_PRIVATE)
    _mount("tmpfs", root, "tmpfs", _MS_NOSUID, "mode=755,size=1m")
    for path in dict.fromkeys(seen()):
        _show(path, root)
    for name in ("dev", "tmp", "proc", ".old"):
        Path(root, name).mkdir(exist_ok=True)
    Path(root, "dev/shm").symlink_to("/tmp")
    attributes = struct.pack("=QQQQ", _MS_RDONLY | _MS_NOSUID, 0, 0, 0)
    for name in _DEVICES:
        Path(root, "dev", name).touch()
        _mount(f"/dev/{name}", f"{root}/dev/{name}", None, _MS_BIND)
    os.chdir(root)
    system_call("pivot_root", ctypes.c_char_p(b"."), ctypes.c_char_p(b".old"))
    os.chroot(".")
    os.chdir("/")
    call("umount2", b"/.old", _MNT_DETACH)
    Path("/.old").rmdir()
    system_call(
        "mount_setattr", -100, ctypes.c_char_p(b"/"), 0x8000, ctypes.c_char_p(attributes), len(attributes)
    )


def _show(path: str, root: str) -> None:
    """Bind a folder or file, or repeat a link, below the new root."""
    target = Path(root + path)
    if target.exists() or target.is_symlink() or not os.path.lexists(path):
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    if Path(path).is_symlink():
        target.symlink_to(Path(path).readlink())
        return
    target.mkdir() if Path(path).is_dir() else target.touch()
    _mount(path, str(target), None, _MS_BIND | _MS_REC)


def make_tmp(megabytes: int) -> None:
    """Mount an empty /tmp that holds so much, in the place of the last one."""
    with contextlib.suppress(OSError):
        call("umount2", b"/tmp", _MNT_DETACH)
    _mount("tmpfs", "/tmp", "tmpfs", _MS_NOSUID | _MS_NODEV, f"mode=1777,size={megabytes}m,nr_inodes=20k")


def drop_privileges(user: int | None) -> None:
    """Become `user`, without capabilities, now and after any exec."""
    if user is not None:
        if os.getuid() == 0:
            with contextlib.suppress(OSError):
                os.setgroups([])
        with contextlib.suppress(OSError):
            os.setresgid(user, user, user)
        os.setresuid(user, user, user)
    if not LINUX:
        return
    call("prctl", _PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    if MACHINE in CALLS:
        header = ctypes.create_string_buffer(struct.pack("=Ii", 0x20080522, 0))
        none = ctypes.create_string_buffer(24)
        system_call("capset", header, none)
    hide_memory()


def limits_of(cpu_seconds: float, memory_mb: int, file_mb: int, processes: int | None) -> dict[int, int]:
    """What a process may use, as `limit` sets it; none is above what this process may set."""
    wanted = {
        resource.RLIMIT_CPU: int(cpu_seconds) + 2,
        resource.RLIMIT_AS: memory_mb << 20,
        resource.RLIMIT_FSIZE: file_mb << 20,
        resource.RLIMIT_NOFILE: 256,
        resource.RLIMIT_CORE: 0,
    }
    if processes is not None:
        wanted[resource.RLIMIT_NPROC] = processes
    hard = {kind: resource.getrlimit(kind)[1] for kind in wanted}
    return {
        kind: value if hard[kind] == resource.RLIM_INFINITY else min(value, hard[kind])
        for kind, value in wanted.items()
    }


def limit(limits: dict[int, int]) -> None:
    """Set what this process may use, for good."""
    for kind, value in limits.items():
        try:
            resource.setrlimit(kind, (value, value))
        except (OSError, ValueError):  # macOS refuses RLIMIT_AS
            continue
