#!/usr/bin/env python3
"""Do the rooms keep to themselves?

Each room (a directory with .may_include) may include headers only of the rooms
named there, and each foreign tongue is spoken in one place (RULES). Tests may
open every door. Before the tree is judged, the judge is: every rule is shown a
breach that it must find and a neighbour that it must leave alone.

usage: layering.py [TREE]       default: $top_srcdir or the current directory
"""

import os
import re
import sys
import tempfile

SKIPPED = re.compile(r"^(build(-.*)?|autom4te\.cache|m4|man|tests|docs|run|_.*|postil-[0-9].*|\..*)$")

# What is spoken | where it may be spoken | a line that breaks the rule elsewhere
RULES = [
    ("libssl and X.509", r"\b(SSL|X509)_\w+|<openssl/(ssl|x509)", ["tls/"],
     "SSL_free(ssl);"),
    ("libcrypto", r"<openssl/|\b(EVP|OPENSSL|OSSL|RAND)_\w+\s*\(",
     ["base/crypt.c", "base/inetpass.c", "tls/"], "#include <openssl/evp.h>"),
    ("libxml2", r"<libxml/|\bxml[A-Z]\w*\s*\(", ["base/dxl.c"], "xmlFreeTextReader(reader);"),
    ("GMime", r"<gmime/|<glib|\bg_\w+\s*\(", ["mailfile/mime"], "g_mime_init();"),
    ("libunistring", r"<uni(case|ctype|norm|str)\.h>|\bu(8|c)_\w+\s*\(", ["base/text.c"],
     "u8_check(p, n);"),
    ("SQLite", r"<sqlite3\.h>|\bsqlite3_\w+", ["nsf/"], "sqlite3_step(stmt);"),
    ("librados", r"\brados_\w+\s*\(", ["mailfile/rados.c"], "rados_shutdown(cluster);"),
    ("libldap", r"\bldap_\w+\s*\(", ["directory/ldap.c"], "ldap_unbind(ld);"),
    ("epoll", r"\bepoll_\w+|\bEPOLL\w+|<sys/epoll\.h>", ["addin/net/"], "epoll_wait(fd, e, 1, 0);"),
    ("accept", r"\baccept4?\s*\(", ["addin/net/", "addin/host/control.c"], "accept4(fd, NULL, NULL, 0);"),
    ("POP3's +OK", r"\"\+OK", ["addin/pop3/reply.c"], 'say("+OK ready");'),
    ("name labels", r"\"[^\"\n]*\b(CN|OU)=", ["base/name.c"], 'find("CN=Jane");'),
    ("starting programs", r"\b(posix_spawnp?|waitpid|v?fork)\s*\(", ["addin/host/"],
     "waitpid(pid, NULL, 0);"),
    ("libedit", r"<(histedit|editline/\w+)\.h>|\bel_\w+\s*\(", ["addin/host/", "addin/tools/"],
     "el_end(el);"),
]

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]', re.M)
# A comment, or a string or character literal that may hold comment signs.
TOKEN = re.compile(r'/\*.*?\*/|//[^\n]*|("(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\')', re.S)


def without_comments(text):
    """The text with comments blanked, line numbers kept."""
    return TOKEN.sub(lambda m: m.group(1) or re.sub(r"[^\n]", " ", m.group(0)), text)


class Tree:
    def __init__(self, top):
        self.top = top
        # "nsf/" -> what it may include; a sample task sees the API alone
        self.rooms = {"samples/": ["addin/api/"]}
        self.sources = []
        self.breaches = []
        self.walk()

    def walk(self):
        for folder, folders, files in os.walk(self.top):
            rel = os.path.relpath(folder, self.top)
            rel = "" if rel == "." else rel + "/"
            if rel == "":
                folders[:] = [f for f in folders if not SKIPPED.match(f)]
            folders[:] = sorted(f for f in folders if not f.startswith("."))
            if ".may_include" in files:
                self.rooms[rel] = self.read(rel + ".may_include").split()
                if "README.md" not in files:
                    self.breach(rel, 0, "a room has a README.md")
            self.sources += [rel + f for f in sorted(files) if f.endswith((".c", ".h"))]

    def read(self, path):
        with open(os.path.join(self.top, path), encoding="utf-8") as file:
            return file.read()

    def breach(self, path, line, what):
        self.breaches.append(f"{path}:{line}: {what}" if line else f"{path}: {what}")

    def room_of(self, path):
        """The innermost room the path lies in, or None."""
        inside = [room for room in self.rooms if path.startswith(room)]
        return max(inside, key=len) if inside else None

    def judge(self):
        for path in self.sources:
            text = self.read(path)
            code = without_comments(text)
            if path.endswith(".c") and not re.match(r"\s*/[*/]", text):
                self.breach(path, 1, "a source file begins with a comment: what it does, what it distrusts")
            self.judge_includes(path, code)
            self.judge_words(path, code)
        return self.breaches

    def judge_includes(self, path, code):
        room = self.room_of(path)
        if room is None:
            self.breach(path, 0, "lies in no room: add .may_include and README.md beside it")
            return
        for match in INCLUDE.finditer(code):
            target = self.target_of(match.group(1), match.group(2))
            if target is not None and target != room and target not in self.rooms[room]:
                line = code.count("\n", 0, match.start()) + 1
                self.breach(path, line, f"{room} may not include {match.group(2)} ({room}.may_include)")

    def target_of(self, sign, header):
        """The room a header belongs to; None for the system's."""
        if os.path.exists(os.path.join(self.top, header)):
            return self.room_of(header) or header.split("/")[0] + "/"
        if os.path.exists(os.path.join(self.top, "addin/api", header)):
            return "addin/api/"
        return None if sign == "<" else header

    def judge_words(self, path, code):
        for name, words, homes, _ in RULES:
            if path.startswith(tuple(homes)):
                continue
            for match in re.finditer(words, code):
                line = code.count("\n", 0, match.start()) + 1
                self.breach(path, line, f"{name} ({match.group(0).strip()}) belongs to {', '.join(homes)}")


def judge_sources(sources):
    """The breaches in a small tree made of {path: text}."""
    with tempfile.TemporaryDirectory() as top:
        for path, text in sources.items():
            full = os.path.join(top, path)
            os.makedirs(os.path.dirname(full), exist_ok=True)
            with open(full, "w", encoding="utf-8") as file:
                file.write(text)
        return Tree(top).judge()


def small_tree(**changes):
    tree = {
        "floor/.may_include": "", "floor/README.md": "floor", "floor/floor.h": "\n",
        "upper/.may_include": "floor/\n", "upper/README.md": "upper", "upper/upper.h": "\n",
        "upper/upper.c": '/* Good. */\n#include <stdio.h>\n#include "floor/floor.h"\n',
        "tests/any.c": '#include "upper/upper.h"\nint sqlite3_x = "+OK";\n',
    }
    tree.update({path.replace("__", "/"): text for path, text in changes.items()})
    return tree


def expect(condition, what):
    if not condition:
        sys.exit(f"layering.py cannot be trusted: {what}")


def test_the_judge():
    expect(judge_sources(small_tree()) == [], "a clean tree was blamed")
    for path, text, what in [
            ("floor/up.c", '/* x */\n#include "upper/upper.h"\n', "an include that goes up"),
            ("floor/none.c", '/* x */\n#include "nowhere/x.h"\n', "an include of nothing"),
            ("attic/x.c", "/* x */\n", "a source in no room"),
            ("samples/x.c", '/* x */\n#include "floor/floor.h"\n', "a sample that looks inside"),
            ("floor/bare.c", "int x;\n", "a source without its comment")]:
        tree = small_tree()
        tree[path] = text
        found = judge_sources(tree)
        expect(len(found) == 1 and found[0].startswith(path), f"{what} gave {found}")
    tree = small_tree()
    del tree["floor/README.md"]
    expect(len(judge_sources(tree)) == 1, "a room without README was passed")
    for name, _, homes, example in RULES:
        tree = small_tree()
        tree["floor/bad.c"] = "/* x */\n/* " + example.replace("*/", "") + " */\n" + example + "\n"
        found = [breach for breach in judge_sources(tree) if name in breach]
        expect(found and all(":3:" in breach for breach in found), f"{name} gave {found}")
        home = homes[0] if homes[0].endswith(".c") else homes[0] + "good.c"
        expect(not [b for b in judge_sources({home: "/* x */\n" + example + "\n"}) if name in b],
               f"{name} was blamed at home")


def main():
    test_the_judge()
    tree = Tree(sys.argv[1] if len(sys.argv) > 1 else os.environ.get("top_srcdir", "."))
    expect(len(tree.rooms) > 1 and tree.sources, f"no rooms under {tree.top}")
    breaches = tree.judge()
    for breach in breaches:
        print(breach)
    print(f"{len(tree.sources)} files in {len(tree.rooms)} rooms, {len(breaches)} breaches")
    return 1 if breaches else 0


if __name__ == "__main__":
    sys.exit(main())
