#!/usr/bin/env python3
"""Documents made mail: the samples of tests/data/render come out as the octets beside them, and Python's
email package, which knows nothing of ours, finds in them what the DXL says: header, texts, pictures,
attachments with their names, times and octets.

usage: test_render.py [--write]         --write: the octets become the expected ones
"""

import base64
import email
import email.policy
import email.utils
import os
import subprocess
import sys
import xml.etree.ElementTree as ET

from postil import TOP_BUILDDIR, TOP_SRCDIR

SAMPLES = os.path.join(TOP_SRCDIR, "tests", "data", "render")
DXL = "{http://www.lotus.com/dxl}"
SEALED = "[Portions of this MIME document are encrypted with a Notes certificate and cannot be read.]"

# Header fields as the email package decodes them; None: there is none.
FIELDS = {
    "memo_text": {
        "From": "John Roe <roe@acme.example>",
        "To": "Jada Correr <jada.correr@acme.example>, Sales Team <Sales_Team@mail.acme.example>, "
              "Ann Lee <ann.lee@else.example>, x@else.example",
        "Cc": "J\u00fcrgen M\u00fcller <jurgen_muller@mail.acme.example>, \"Doe, Jane\" <jane@else.example>",
        "Bcc": None, "Importance": "high", "X-Priority": "1", "X-Mailer": "Lotus Notes Release 8.5",
        "Disposition-Notification-To": "\"John Roe\" <roe@acme.example>", "Categories": None,
        "Date": "Fri, 02 Jan 2026 09:09:00 -0500",
        "Message-ID": "<00000001000000010000000100000001@mail.acme.example>"},
    "reply": {
        "In-Reply-To": "<1@else.example>", "References": "<0@else.example> <1@else.example>",
        "Reply-To": "Ann Lee <Ann_Lee@mail.acme.example>", "Message-ID": "<OF1234.5678-ON85258D.004D@acme.example>"},
    "reply_with_history": {
        "From": "Jada Correr <jada.correr@acme.example>", "Sender": "John Roe <John_Roe@mail.acme.example>"},
    "native_mime": {
        "From": "\"Roe, John\" <john@else.example>", "Subject": "Gr\u00fc\u00dfe aus der Ferne",
        "Date": "Fri, 02 Jan 2026 09:08:07 -0500", "MIME-Version": "1.0"},
    "mime_element": {"Subject": "whole", "To": "jada.correr@acme.example"},
    "hostile": {"Bcc": None, "X-Evil": "1 Bcc: x@y.example", "Received": "from X-Evil: 2"},
    "custom_form": {"X-Order": "5"},
}
# Types of all parts, in order of the tree.
STRUCTURE = {
    "memo_text": ["text/plain"],
    "memo_rich": ["multipart/mixed", "multipart/alternative", "text/plain", "multipart/related", "text/html",
                  "image/gif", "application/pdf",
                  "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "text/plain"],
    "memo_rich_all": ["multipart/mixed", "multipart/alternative", "text/plain", "multipart/related", "text/html",
                      "image/gif", "image/gif", "text/csv"],
    "native_mime": ["multipart/mixed", "multipart/alternative", "text/plain", "text/html", "application/pdf",
                    "text/plain", "message/rfc822", "text/plain"],
    "notice": ["multipart/alternative", "text/plain", "text/html"],
    "smime_signed": ["multipart/signed", "text/plain", "application/pkcs7-signature"],
    "smime_encrypted": ["application/pkcs7-mime"],
    "hostile": ["multipart/mixed", "text/plain", "application/octet-stream"],
}
# What each text/plain and text/html part of ours must say.
SAYS = {
    "memo_rich": ["Dear", "all", "first", "second", "the plan", "\u00fc", "plan.pdf", "\u00dcbersicht 2026.xlsx"],
    "memo_rich_all": ["Hello Jada,", "of which", "for all but Notes", "Document link: The plan", "acme.example", "Costs",
                      "5 \u20ac", "in it", "Attachment: Costs.csv", "bold", "Accept", "John Roe wrote", "Is it so?", "End"],
    "reply_with_history": ["Yes.", "Jada Correr wrote", "Is it so?"],
    "phone_message": ["Ann Lee", "555 1234", "Please call", "It is urgent."],
    "nondelivery_report": ["nobody@else.example", "not listed in the directory", "What you sent"],
    "delivery_report": ["Ann Lee/Sales/Acme", "Fri, 02 Jan 2026 09:10:00 -0500"],
    "return_receipt": ["Ann Lee/Sales/Acme", "Fri, 02 Jan 2026 09:10:00 -0500"],
    "quota_report": ["warning", "100 MB of 110 MB are used."],
    "notice": ["Invitation", "Mon, 02 Feb 2026 09:00:00 -0500", "Mon, 02 Feb 2026 10:00:00 -0500", "B\u00fcro 5",
               "John Roe/Acme", "x@else.example", "Please come."],
    "appointment": ["Mon, 02 Feb 2026 12:00:00 -0500", "Bring money."],
    "sealed": [SEALED],
    "custom_form": ["Of an application."],
    "damaged": ["Some text.", "damaged", "$FILE"],
    "cd_records": ["Hello from a raw item."],
}
NATIVE = ("native_mime", "native_one_part", "smime_signed", "smime_encrypted", "mime_element")


def render(name):
    program = os.path.join(os.path.abspath(TOP_BUILDDIR), "tests", "support", "render-dxl")
    done = subprocess.run([program, os.path.join(SAMPLES, name + ".dxl")], capture_output=True,
                          timeout=120, check=False)
    assert done.returncode == 0, f"{name}: {done.stderr}"
    return done.stdout


class Document:
    """What the DXL says, read by a parser of its own."""

    def __init__(self, name):
        self.root = ET.parse(os.path.join(SAMPLES, name + ".dxl")).getroot()

    def items(self, name):
        return [item for item in self.root.iter(DXL + "item") if item.get("name") == name]

    @staticmethod
    def text_of(element):
        return (element.text or "") + "".join("\n" + (child.tail or "") for child in element)

    def text(self, name):
        for item in self.items(name):
            found = item.find(DXL + "text")
            if found is not None:
                return self.text_of(found)
        return None

    def files(self):
        for item in self.items("$FILE"):
            file = item.find(f"{DXL}object/{DXL}file")
            times = [file.find(f"{DXL}{which}/{DXL}datetime").text for which in ("created", "modified")]
            yield file.get("name"), base64.b64decode(file.find(DXL + "filedata").text), times

    def pictures(self):
        return [base64.b64decode(gif.text) for gif in self.root.iter(DXL + "gif")]


def expect(condition, name, what):
    if not condition:
        sys.exit(f"{name}: {what}")


def check_lines(name, octets):
    expect(octets.endswith(b"\r\n"), name, "the last line has no end")
    expect(b"\n" not in octets.replace(b"\r\n", b""), name, "a line end is not CRLF")
    expect(max(map(len, octets.split(b"\r\n"))) <= 998, name, "a line is too long")
    if name != "mime_element":
        expect(octets.isascii(), name, "octets that are not ASCII")


def check_header(name, message, document):
    for field, value in FIELDS.get(name, {}).items():
        found = message[field]
        expect((None if found is None else str(found)) == value, name, f"{field} is {found!r}, not {value!r}")
    subject = document.text("Subject")
    if subject is not None and name != "hostile":
        expect(message["Subject"] == subject, name, f"Subject is {message['Subject']!r}")
    expect("secret" not in str(message).lower() or name == "hostile", name, "a blind copy shows")


def check_structure(name, message):
    types = [part.get_content_type() for part in message.walk()]
    expect(types == STRUCTURE.get(name, types), name, f"parts are {types}")
    if name == "hostile":
        return
    for part in message.walk():
        expect(not part.defects, name, f"{part.get_content_type()}: {part.defects}")
        for field, value in part.items():
            # for old clients a file's name stands there as RFC 2047 does not want it
            expect(not value.defects or (field == "Content-Type" and part.get_filename()), name,
                   f"{field}: {value.defects}")


def check_texts(name, message, document):
    body = document.text("Body")
    texts = [part.get_content().replace("\r\n", "\n") for part in message.walk() if part.get_content_maintype() == "text"
             and part.get_content_disposition() is None]
    if body is not None and name != "hostile":
        expect(body.rstrip("\n") in texts[0].rstrip("\n"), name, f"text is {texts[0]!r}")
    for text in texts[:2] if name in SAYS else []:
        for words in SAYS[name]:
            expect(words in text, name, f"{words!r} is not in {text!r}")


def date_of(dxl):
    """20260102T101112,00-05 as email.utils would have it."""
    stamp, zone = dxl.split(",")[0], dxl.split(",")[1][2:]
    return email.utils.parsedate_to_datetime(
        f"{stamp[6:8]} {['Jan', 'Feb', 'Mar'][int(stamp[4:6]) - 1]} {stamp[0:4]} "
        f"{stamp[9:11]}:{stamp[11:13]}:{stamp[13:15]} {zone}00")


def check_files(name, message, document):
    if name == "hostile":
        return
    attachments = [part for part in message.walk() if part.get_content_disposition() == "attachment"
                   and "pkcs7" not in part.get_content_type()]
    files = list(document.files())
    expect(len(files) == len(attachments), name, f"{len(attachments)} attachments")
    for part, (file_name, octets, times) in zip(attachments, files):
        expect(part.get_filename() == file_name, name, f"a file is called {part.get_filename()!r}")
        expect(part.get_payload(decode=True) == octets, name, f"{file_name} has other octets")
        if name in NATIVE:
            continue
        old = email.header.make_header(email.header.decode_header(part["Content-Type"].params["name"]))
        expect(str(old) == file_name, name, f"for old clients a file is called {old!r}")
        for param, time in zip(("creation-date", "modification-date"), times):
            found = part["Content-Disposition"].params.get(param)
            expect((found is None) == (time is None), name, f"{param} of {file_name} is {found}")
            expect(time is None or email.utils.parsedate_to_datetime(found) == date_of(time), name,
                   f"{param} of {file_name} is {found}, not {time}")


def check_pictures(name, message, document):
    pictures = document.pictures()
    inline = [part for part in message.walk() if part["Content-ID"]]
    expect([part.get_payload(decode=True) for part in inline] == pictures, name, "pictures differ")
    if not pictures:
        return
    html = next(part for part in message.walk() if part.get_content_type() == "text/html").get_content()
    for part in inline:
        expect(f'src="cid:{part["Content-ID"][1:-1]}"' in html, name, "a picture is not in the HTML")


def main():
    names = sorted(file[:-4] for file in os.listdir(SAMPLES) if file.endswith(".dxl"))
    assert len(names) >= 20
    for name in names:
        octets = render(name)
        path = os.path.join(SAMPLES, name + ".eml")
        if "--write" in sys.argv:
            with open(path, "wb") as file:
                file.write(octets)
        with open(path, "rb") as file:
            expected = file.read()
        expect(octets == expected, name, f"the octets are not those of {path}:\n{octets.decode('latin-1')}")
        message = email.message_from_bytes(octets, policy=email.policy.default)
        document = Document(name)
        check_lines(name, octets)
        check_header(name, message, document)
        check_structure(name, message)
        check_texts(name, message, document)
        check_files(name, message, document)
        check_pictures(name, message, document)
    print(f"{len(names)} documents")


if __name__ == "__main__":
    main()
