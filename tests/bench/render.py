"""Documents made mail: a rich-text memo of 1 MB with 20 attachments of 1 MB, beside what reading its XML and
encoding its octets takes at least, and beside an ordinary message of the same octets when it is fetched."""
import base64
import os
import random
import socket
import statistics
import subprocess
import time

from common import BUILD, PASSWORD, row
from directory import run
from servers import Postil

RENDER = os.path.join(BUILD, "tests/support/render-dxl")
FILES = 20
PARAGRAPH = "<par def='1'><run><font style='bold'/>Words</run> and some more text of an ordinary paragraph, with " \
            "<run><font style='italic' color='red'/>italics</run> &amp; more, so on and on.</par>\n"


def write_memo(path, attachments):
    """The DXL, and the octets of its attachments in a row for base64."""
    chance = random.Random(5)
    with open(path, "w", encoding="utf-8") as memo, open(attachments, "wb") as octets_file:
        memo.write("<?xml version='1.0' encoding='utf-8'?>\n<document xmlns='http://www.lotus.com/dxl' version='12.0' "
                   "form='Memo'>\n<noteinfo noteid='8fa' unid='0123456789ABCDEF0123456789ABCDEF' sequence='1'/>\n"
                   "<item name='From'><text>CN=Bench User/O=Bench</text></item><item name='Body'>"
                   "<richtext><pardef id='1'/>" + PARAGRAPH * (1000000 // len(PARAGRAPH)) + "</richtext></item>\n")
        for i in range(FILES):
            octets = chance.randbytes(1 << 20)
            octets_file.write(octets)
            memo.write(f"<item name='$FILE' summary='true'><object><file hosttype='msdos' compression='none' "
                       f"flags='storedindoc' size='{len(octets)}' name='file{i}.bin'>\n<filedata>\n"
                       + base64.encodebytes(octets).decode() + "</filedata></file></object></item>\n")
        memo.write("</document>\n")


def render_cost(memo, attachments, rounds):
    """Processor seconds of reading and rendering, and of the floor; the peak memory in MB."""
    ours, floor, peak = [], [], 0
    for _ in range(rounds):
        cpu, _, memory = run(RENDER, memo)
        ours.append(cpu)
        peak = max(peak, memory)
        floor.append(run("xmllint", "--huge", "--stream", "--noout", memo)[0] + run("base64", attachments)[0])
    return statistics.median(ours), statistics.median(floor), peak


def run_to_file(path, *command):
    with open(path, "wb") as file:
        subprocess.run(command, stdout=file, check=True)


def retr_seconds(port, number):
    """One session that fetches one message."""
    with socket.create_connection(("127.0.0.1", port)) as s, s.makefile("rb") as lines:
        lines.readline()
        for command in (b"USER user0", b"PASS " + PASSWORD.encode()):
            s.sendall(command + b"\r\n")
            assert lines.readline().startswith(b"+OK")
        begun = time.perf_counter()
        s.sendall(b"RETR %d\r\n" % number)
        while lines.readline() != b".\r\n":
            pass
        return time.perf_counter() - begun


def render(work, rounds):
    print(f"render: a rich-text memo of 1 MB with {FILES} attachments of 1 MB")
    memo, attachments, mail = (os.path.join(work, name) for name in ("memo.dxl", "octets", "memo.eml"))
    write_memo(memo, attachments)
    cpu, floor, peak = render_cost(memo, attachments, max(rounds, 5))
    row("xmllint --stream and base64, CPU", floor * 1e3, None, unit=" ms")
    row("reading the DXL and rendering, over that", cpu / floor, 5)
    row("peak memory of it", peak, None, unit=" MB")
    server = Postil(work, 1, 4096, mailboxes=1)
    try:
        run_to_file(mail, RENDER, memo)
        server.run("mail", "import", "-d", server.work, "--folder", "($Inbox)", "mail/user0.nsf", memo)
        server.run("mail", "import", "-d", server.work, "mail/user0.nsf", mail)
        first = retr_seconds(server.port, 2)
        again, ordinary = [], []
        for _ in range(max(rounds, 5)):
            again.append(retr_seconds(server.port, 2))
            ordinary.append(retr_seconds(server.port, 3))
        row("first RETR", first * 1e3, None, unit=" ms")
        row("later RETR over RETR of an ordinary message", statistics.median(again) / statistics.median(ordinary), 1.2)
    finally:
        server.stop()
        for path in (memo, attachments, mail):
            os.unlink(path)
