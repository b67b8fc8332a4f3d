"""Importing a Maildir of 10,000 mixed messages, beside `cp -a` and `sync` of it in turn; memory
while a message of 200 MiB passes."""
import os
import random
import shutil
import subprocess
import time

from common import POSTIL, row

MESSAGES = 10000
LARGE_OCTETS = 200 << 20


def fill(maildir):
    """Sizes as mail has them: most small, few large; half of them read."""
    some = random.Random(1)
    os.makedirs(os.path.join(maildir, "cur"))
    octets = 0
    for i in range(MESSAGES):
        size, = some.choices([600, 3000, 12000, 60000, 300000], [30, 40, 20, 8, 2])
        with open(os.path.join(maildir, "cur", f"{1700000000 + i}.M{i}.h:2,{'S' * (i % 2)}"), "wb") as f:
            octets += f.write(b"Subject: %d\nFrom: a@b.example\nDate: Fri, 21 Nov 1997 09:55:06 -0600\n\n" % i
                              + (b"x" * 70 + b"\n") * (size // 71))
    with open(os.path.join(maildir, "dovecot-uidlist"), "w") as f:
        f.write(f"3 V1000 N{MESSAGES + 1} Gabc\n")
        f.writelines(f"{i + 1} :{1700000000 + i}.M{i}.h\n" for i in range(MESSAGES))
    return octets


def run(*arguments):
    """Seconds, and the most memory it had in KiB."""
    start = time.perf_counter()
    process = subprocess.Popen(arguments, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = status
    if status != 0:
        raise SystemExit(f"bench: {' '.join(arguments)} failed")
    return time.perf_counter() - start, usage.ru_maxrss


def copy(maildir, to):
    start = time.perf_counter()
    run("cp", "-a", maildir, to)
    os.sync()
    seconds = time.perf_counter() - start
    shutil.rmtree(to)
    return seconds


def move(work, rounds):
    folder = os.path.join(work, "move")
    data, maildir = os.path.join(folder, "data"), os.path.join(folder, "Maildir")
    os.makedirs(data)
    octets = fill(maildir)
    os.sync()
    copies, imports = [], []
    for number in range(max(3, rounds)):
        copies.append(copy(maildir, os.path.join(folder, "copy")))
        imports.append(run(POSTIL, "mail", "import", "-d", data, f"mail/x{number}", maildir)[0])
    row(f"cp -a and sync of {MESSAGES} messages, {octets / 1e6:.0f} MB", min(copies), None, unit=" s")
    row("import of them with their UIDLs and marks, over that", min(imports) / min(copies), 3)
    row("the same again: all are there", run(POSTIL, "mail", "import", "-d", data, "mail/x0", maildir)[0],
        None, unit=" s")
    for name, size in (("small", 1000), ("large", LARGE_OCTETS)):
        with open(os.path.join(folder, name), "wb") as f:
            f.write(b"Subject: " + name.encode() + b"\n\n")
            for _ in range(size // 1000):
                f.write(b"x" * 999 + b"\n")
    _, small = run(POSTIL, "mail", "import", "-d", data, "mail/small", os.path.join(folder, "small"))
    _, large = run(POSTIL, "mail", "import", "-d", data, "mail/large", os.path.join(folder, "large"))
    row("memory of an import grows for a message of 200 MiB by", (large - small) / 1024, 4, unit=" MiB")
    shutil.rmtree(folder)
