#!/usr/bin/env python3
"""Documents that were made in Notes, fetched by POP3: the samples of tests/data/render are imported, and each
is served as the octets beside it, as long as LIST says, by TOP too, with a UIDL that stays; the names in
them get the addresses of this server's directory."""

import os
import shutil
import sys

from mailserver import MailServer, Person
from postil import TOP_SRCDIR

SAMPLES = os.path.join(TOP_SRCDIR, "tests", "data", "render")
PERSONS = [Person("jcorrer", "CN=Jada Correr/O=Acme", "Jada Correr", "jcorrer",
                  address="jada.correr@acme.example")]


def import_samples(server, names):
    """By way of the data directory: whoever the server is need not be able to read the source tree."""
    for name in names:
        copy = server.path(name + ".dxl")
        shutil.copyfile(os.path.join(SAMPLES, name + ".dxl"), copy)
        os.chmod(copy, 0o644)
        said = server.tool("mail", "import", "-d", server.data, "--folder", "($Inbox)",
                           server.mail_file("jcorrer"), copy)
        os.unlink(copy)
        assert b"1 message imported" in said, said


def fetch(server):
    """[(octets, UIDL)] of all messages."""
    with server.connect() as c:
        assert c.login().startswith(b"+OK")
        sizes = [int(line.split()[1]) for line in c.long(b"LIST")[1]]
        uidls = [line.split()[1] for line in c.long(b"UIDL")[1]]
        assert len(set(uidls)) == len(uidls), uidls
        assert int(c.ask(b"STAT").split()[2]) == sum(sizes)
        messages = []
        for number, size in enumerate(sizes, 1):
            octets = b"".join(line + b"\r\n" for line in c.long(b"RETR %d" % number)[1])
            assert len(octets) == size, f"message {number}: LIST {size}, RETR {len(octets)}"
            top = b"".join(line + b"\r\n" for line in c.long(b"TOP %d 0" % number)[1])
            assert octets.startswith(top) and top.endswith(b"\r\n\r\n"), f"TOP {number}: {top!r}"
            messages.append(octets)
        assert c.ask(b"QUIT").startswith(b"+OK")
    return list(zip(messages, uidls))


def main():
    names = sorted(file[:-4] for file in os.listdir(SAMPLES) if file.endswith(".dxl"))
    with MailServer(notes={"POP3_Domain": "mail.acme.example"}, persons=PERSONS) as server:
        import_samples(server, names)
        served = fetch(server)
        assert len(served) == len(names), f"{len(served)} of {len(names)}"
        for name, (octets, _) in zip(names, served):
            with open(os.path.join(SAMPLES, name + ".eml"), "rb") as file:
                if octets != file.read():
                    sys.exit(f"{name} is served as:\n{octets.decode('latin-1')}")
        assert fetch(server) == served, "another time other octets or UIDLs"
    print(f"{len(names)} documents")


if __name__ == "__main__":
    main()
