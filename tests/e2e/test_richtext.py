"""Rich text becomes the text and the HTML that tests/data/richtext has beside it, and the
HTML is in order and harmless for a parser that knows nothing of how it was made.

Each NAME.xml (DXL) and NAME.cd (CD records, in the notation below) has NAME.txt and
NAME.html, the body. NAME.parts, where there is one, lists attachments and pictures.
Each is the Body of a memo, too, whose mail holds the same text, HTML and pictures for
Python's email package.
With the argument --write the files are made anew from what comes out.

CD records: a line each, `#` begins a comment.

    byte|word|long ID VALUE...    a record whose length has that size
    VALUE: b1 w1 d1 (numbers of 1, 2, 4 octets; 0x too), z12 (so many zeros), x00ff, "text"
           (Python's escapes; code points are octets)
    +                             the next item begins
"""

import base64
import email
import email.policy
import glob
import html.parser
import os
import re
import struct
import subprocess
import sys
import tempfile
import zlib

DATA = os.path.join(os.environ.get("top_srcdir", "."), "tests", "data", "richtext")
SUPPORT = os.path.join(os.environ.get("top_builddir", "build"), "tests", "support")

MEMO = """<?xml version='1.0' encoding='utf-8'?>
<database xmlns='http://www.lotus.com/dxl'><document form='Memo'>
<noteinfo unid='0123456789ABCDEF0123456789ABCDEF'/>
<item name='Subject'><text>Rich text</text></item>
%s</document></database>
"""

PATIENCE = 120                  # seconds, with sanitizers too

VALUE = re.compile(r'\s*("(?:[^"\\]|\\.)*"|[bwdz]\S+|x[0-9a-f]*)')
NUMBERS = {"b": "<B", "w": "<H", "d": "<I"}
HEADS = {"byte": (2, None), "word": (4, "<BBH"), "long": (6, "<BBI")}

VOID = {"br", "hr", "img", "col", "meta"}
SCHEMES = re.compile(r"(https?|ftp|mailto|notes|tel|news):|#")


def value(text):
    if text[0] == '"':
        return text[1:-1].encode("latin-1").decode("unicode_escape").encode("latin-1")
    if text[0] == "x":
        return bytes.fromhex(text[1:])
    number = int(text[1:], 0)
    return bytes(number) if text[0] == "z" else struct.pack(NUMBERS[text[0]], number)


def record(kind, number, body):
    head, layout = HEADS[kind]
    length = head + len(body)
    if kind == "byte":
        octets = struct.pack("<BB", number, length)
    else:
        octets = struct.pack(layout, number, 0xFF if kind == "word" else 0, length)
    octets += body
    return octets + bytes(len(octets) % 2)


def assemble(path):
    """The items of a .cd file as octets."""
    items = [b""]
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            line = re.sub(r'\s*(?:^|\s)#(?=(?:[^"]*"[^"]*")*[^"]*$).*', "", line.rstrip("\n"))
            if line == "+":
                items.append(b"")
            elif line:
                kind, number, *rest = line.split(None, 2)
                body = b"".join(value(v) for v in VALUE.findall(rest[0])) if rest else b""
                items[-1] += record(kind, int(number), body)
    return items


def run(program, *arguments):
    done = subprocess.run([os.path.join(SUPPORT, program), *arguments], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, timeout=PATIENCE, check=False)
    assert done.returncode == 0, (program, arguments, done.stderr)
    return done.stdout


def dump(what, *paths):
    return run("richtextdump", what, *paths).decode("utf-8")


def memo(paths):
    """The files as items Body of a document, and its mail."""
    items = ""
    for path in paths:
        with open(path, "rb") as f:
            octets = f.read()
        if octets.startswith(b"<"):
            items += "<item name='Body'>%s</item>\n" % octets.decode("utf-8")
        else:
            items += "<item name='Body'><rawitemdata type='1'>\n%s</rawitemdata></item>\n" % (
                base64.encodebytes(octets).decode("ascii"))
    with tempfile.NamedTemporaryFile("w", suffix=".dxl", encoding="utf-8") as f:
        f.write(MEMO % items)
        f.flush()
        return email.message_from_bytes(run("render-dxl", f.name), policy=email.policy.default)


class Checker(html.parser.HTMLParser):
    """Every element is closed in order, nothing runs, loads or is out of its place."""

    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.open = []
        self.text = ""

    def handle_starttag(self, tag, attrs):
        assert tag not in ("script", "style", "iframe", "object", "embed", "form", "base", "link"), tag
        inside = self.open[-1] if self.open else ""
        assert (tag == "li") == (inside in ("ul", "ol")), (inside, tag)
        assert tag != "td" or inside == "tr", inside
        assert inside != "tr" or tag == "td", tag
        assert inside != "table" or tag in ("tr", "colgroup"), tag
        assert tag not in ("div", "table", "ul", "ol") or inside in ("div", "td", "li", "body"), (inside, tag)
        for name, text in attrs:
            assert not name.startswith("on"), name
            assert name != "href" or SCHEMES.match(text), text
            assert name != "src" or text.startswith("cid:"), text
            assert name != "style" or not re.search(r"url|expression|import|\\", text, re.I), text
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open and self.open[-1] == tag, (self.open, tag)
        self.open.pop()

    def handle_data(self, data):
        self.text += data


def check_html(text):
    checker = Checker()
    checker.feed(text)
    checker.close()
    assert not checker.open, checker.open
    assert text.startswith("<!DOCTYPE html>\n<html>\n<head>\n") and text.endswith("</body>\n</html>\n")
    return checker.text


def words(text):
    return set(re.findall(r"\w{3,}", text))


def check_both_say_the_same(plain, shown):
    """But for pictures, addresses and the marks of lists, which HTML says in other ways."""
    plain = re.sub(r"\[Picture[^]]*\]|<[a-z]+:[^>]*>|^ *(?:[ivxlcIVXLC]+|[a-zA-Z])\. ", " ", plain, flags=re.M)
    assert words(plain) == words(shown), words(plain) ^ words(shown)


def body(text):
    return re.search(r"<body[^>]*>\n(.*)</body>", text, re.S).group(1)


def compare(path, got, write):
    if write:
        with open(path, "w", encoding="utf-8") as f:
            f.write(got)
    with open(path, encoding="utf-8") as f:
        wanted = f.read()
    assert got == wanted, "%s:\n%s\n--- instead of ---\n%s" % (path, got, wanted)


def check_png(octets):
    """Width, height and the lines of a PNG; every chunk's checksum is right."""
    assert octets[:8] == b"\x89PNG\r\n\x1a\n"
    at, size, data = 8, None, b""
    while at < len(octets):
        length, kind = struct.unpack(">I4s", octets[at:at + 8])
        chunk = octets[at + 8:at + 8 + length]
        assert zlib.crc32(kind + chunk) == struct.unpack(">I", octets[at + 8 + length:at + 12 + length])[0]
        if kind == b"IHDR":
            size = struct.unpack(">II", chunk[:8])
            assert chunk[8:] == b"\x08\x02\0\0\0"
        elif kind == b"IDAT":
            data += chunk
        at += 12 + length
    assert kind == b"IEND" and at == len(octets)
    lines = zlib.decompress(data)
    assert len(lines) == size[1] * (1 + 3 * size[0])
    return size, lines


def check_pictures(parts):
    for name, kind, text in re.findall(r"^picture (\S+) (\S+) (\S*)$", parts, re.M):
        assert name.endswith(kind.rpartition("/")[2]), (name, kind)
        if kind == "image/png":
            check_png(base64.b64decode(text))


def check_mail(paths, plain, shown, parts):
    message = memo(paths)
    assert message["Subject"] == "Rich text"
    found = {"text/plain": None, "text/html": None, "image": []}
    for part in message.walk():
        kind = part.get_content_type()
        if part.get_content_maintype() == "image":
            found["image"].append((part["Content-ID"][1:].split("@")[0], kind, part.get_content()))
        elif not part.is_multipart():
            assert found[kind] is None, kind
            found[kind] = part.get_content().replace("\r\n", "\n")
    assert found["text/plain"].rstrip("\n") == plain.rstrip("\n"), found["text/plain"]
    same = re.sub(r'(src="cid:picture[0-9]+\.[a-z]+)@[^"]*', r"\1@test", found["text/html"])
    # where lines are broken depends on the length of the pictures' names
    assert same.split() == shown.split(), same
    pictures = re.findall(r"^picture (\S+) (\S+) (\S*)$", parts, re.M)
    assert found["image"] == [(name, kind, base64.b64decode(text)) for name, kind, text in pictures]


def check(source, folder, write):
    stem = os.path.splitext(source)[0]
    paths = [source]
    if source.endswith(".cd"):
        paths = []
        for i, octets in enumerate(assemble(source)):
            paths.append(os.path.join(folder, "%s-%d" % (os.path.basename(stem), i)))
            with open(paths[-1], "wb") as f:
                f.write(octets)
    plain, shown, parts = (dump(what, *paths) for what in ("text", "html", "parts"))
    check_both_say_the_same(plain, check_html(shown))
    check_pictures(parts)
    check_mail(paths, plain, shown, parts)
    compare(stem + ".txt", plain, write)
    compare(stem + ".html", body(shown), write)
    if write or os.path.exists(stem + ".parts"):
        compare(stem + ".parts", parts, write)
    for line in plain.split("\n"):
        assert len(line.encode("utf-8")) <= 998, line


def main():
    write = "--write" in sys.argv
    sources = sorted(glob.glob(os.path.join(DATA, "*.xml")) + glob.glob(os.path.join(DATA, "*.cd")))
    assert len(sources) >= 10, sources
    with tempfile.TemporaryDirectory() as folder:
        for source in sources:
            check(source, folder, write)
    print("%d rich texts" % len(sources))


if __name__ == "__main__":
    main()
