"""postil lockout: beside a running server, without one, and on a file in trouble."""

import glob
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import mailserver                                               # noqa: E402
import postil                                                   # noqa: E402
from mailserver import MailServer                               # noqa: E402

CONFIG = """<document form='ServerConfig'>
<item name='ServerName'><text>*</text></item><item name='ILEnforce'><text>1</text></item>
<item name='ILMaxTries'><number>3</number></item>%s</document>
"""
ADDRESSES = "<item name='ILLockIP'><text>1</text></item><item name='ILCountAgainstIP'><text>1</text></item>"
REFUSED = b"-ERR [AUTH]"


def start(items=""):
    server = MailServer()
    mark = server.mark()
    server.write_name("config.dxl", mailserver.dxl([CONFIG % items]))
    server.compile()
    server.wait_for(r"POP3 Server: Configuration updated", start=mark)
    return server


def fail(server, *names):
    for name in names:
        with server.connect() as c:
            assert c.login(name, "wrong").startswith(REFUSED)


def lockout(server, action, *words, status=0):
    return server.tool("lockout", action, "-d", server.data, *words, status=status).decode()


def beside_a_server():
    """Seen at once, undone at once, in both directions."""
    with start() as server:
        server.put("jcorrer", [b"Subject: x\n\n1\n"])
        assert lockout(server, "list") == "postil lockout: no failed logins are on record\n"
        assert not os.path.exists(server.path("inetlockout.nsf"))
        fail(server, "jcorrer", "Jada Correr")
        told = lockout(server, "list")
        assert told.startswith("user Jada Correr/Acme: not locked, 2 failed logins, first 20"), told
        fail(server, "jcorrer")
        told = lockout(server, "list")
        assert told.startswith("user Jada Correr/Acme: locked, 3 failed logins, first 20"), told
        assert told.count("\n") == 1, told
        with server.connect() as c:
            assert c.login().startswith(REFUSED)
        assert lockout(server, "unlock", "jcorrer") == "Jada Correr/Acme is unlocked\n"
        with server.connect() as c:
            assert c.login().startswith(b"+OK")
        told = lockout(server, "unlock", "jcorrer", status=67)
        assert told == "postil lockout: jcorrer has no lockout record\n", told
        lockout(server, "unlock", "a\x1b[2J\nb", status=67)


def without_a_server():
    """Records of persons and addresses of a server that has been killed."""
    with start(ADDRESSES) as server:
        fail(server, "jcorrer", "jcorrer", "jcorrer")
        server.process.kill()
        server.process.wait(postil.PATIENCE)
        postil.wait_until(lambda: not server.children(), "the tasks to end")
        told = lockout(server, "list").splitlines()
        assert [line.split(", first")[0] for line in told] == [
            "user Jada Correr/Acme: locked, 3 failed logins",
            "address 127.0.0.1: locked, 3 failed logins"], told
        assert lockout(server, "unlock", "::ffff:127.0.0.1") == "127.0.0.1 is unlocked\n"
        assert lockout(server, "list").count("\n") == 1
        # without names.nsf the name of the record does
        for path in glob.glob(server.path("names.nsf*")):
            os.unlink(path)
        told = lockout(server, "list")
        assert "user Jada Correr/Acme: locked" in told and "not enforced on this server" in told, told
        lockout(server, "unlock", "jcorrer", status=67)
        assert lockout(server, "unlock", "Jada Correr/Acme") == "Jada Correr/Acme is unlocked\n"


def file_in_trouble():
    """What cannot be read is said, what is damaged set aside."""
    with start() as server:
        fail(server, "jcorrer")
        assert server.quit() == 0
        os.chmod(server.path("inetlockout.nsf"), 0)
        for words in (["list"], ["unlock", "Jada Correr/Acme"]):
            told = lockout(server, *words, status=77)
            assert "inetlockout.nsf" in told, told
        os.chmod(server.path("inetlockout.nsf"), 0o600)
        for path in glob.glob(server.path("inetlockout.nsf-*")):
            os.unlink(path)
        with open(server.path("inetlockout.nsf"), "wb") as f:
            f.write(b"nothing that could be a database\n" * 400)
        told = lockout(server, "list", status=65)
        assert "set aside as" in told and "inetlockout.nsf.damaged-1" in told, told
        assert os.path.exists(server.path("inetlockout.nsf.damaged-1"))
        assert "no failed logins" in lockout(server, "list")
        lockout(server, "unlock", "Jada Correr/Acme", status=67)


def command_line():
    """Usage."""
    with MailServer() as server:
        for words in ([], ["show"], ["list", "x"], ["unlock"], ["unlock", "a", "b"], ["list", "-x"]):
            assert b"Usage: postil lockout" in server.tool("lockout", *words, status=64)
        assert server.tool("lockout", "list", "-x", status=64).startswith(b"postil lockout: ")
        assert server.tool("lockout", "--help").startswith(b"Usage: postil lockout list")
        told = lockout(server, "list")
        assert told.endswith("postil lockout: Internet password lockout is not enforced on this server\n")
        server.tool("lockout", "list", "-d", server.path("none"), status=66)


if __name__ == "__main__":
    sys.exit(postil.run_cases([beside_a_server, without_a_server, file_in_trouble, command_line]))
