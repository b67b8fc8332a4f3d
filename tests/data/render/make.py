#!/usr/bin/env python3
"""Writes the DXL samples beside this file: one document of each kind that mail files hold. What each is
made mail of is in NAME.eml.

usage: make.py          after a change here; then look at what test_render.py says
"""

import base64
import os
import struct
from xml.sax.saxutils import escape

HERE = os.path.dirname(os.path.abspath(__file__))
GIF = base64.b64decode("R0lGODlhAQABAPAAAP8AAAAAACwAAAAAAQABAAACAkQBADs=")
PDF = b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n" + bytes(range(256)) * 3


def item(name, content, attributes=""):
    return f"<item name='{escape(name)}'{attributes}>{content}</item>\n"


def text(name, *values):
    def one(value):
        return "<text>" + escape(value).replace("\n", "<break/>") + "</text>"
    if len(values) == 1:
        return item(name, one(values[0]))
    return item(name, "<textlist>" + "".join(one(value) for value in values) + "</textlist>")


def time(name, value):
    return item(name, f"<datetime>{value}</datetime>")


def raw(name, kind, octets, attributes=""):
    lines = base64.encodebytes(octets).decode()
    return item(name, f"<rawitemdata type='{kind:x}'>\n{lines}</rawitemdata>", attributes)


def attachment(name, octets, created="20260102T101112,00-05", modified="20260103T111213,00-05"):
    lines = base64.encodebytes(octets).decode()
    return item("$FILE", f"<object><file hosttype='msdos' compression='none' flags='storedindoc' "
                f"size='{len(octets)}' name='{escape(name)}'>"
                f"<created><datetime>{created}</datetime></created>"
                f"<modified><datetime>{modified}</datetime></modified>"
                f"<filedata>\n{lines}</filedata></file></object>", " summary='true' sign='true' seal='true'")


def field(name, value, delimiter=": ", kind=0x0a):
    name, delimiter, body = name.encode(), delimiter.encode(), value.encode()
    record = struct.pack("<HIHHHH", 14, kind, 4, len(name), len(delimiter), len(body))
    return record + b"LMBC" + name + delimiter + body


def received(item_name, name, value, **more):
    return raw(item_name, 0x502, field(name, value, **more), " summary='true'")


def part(kind, flags, boundary, header, data):
    boundary, header = boundary.encode(), header.encode()
    data = data if isinstance(data, bytes) else data.encode()
    flags |= (1 if boundary else 0) | (2 if header else 0)
    record = struct.pack("<HIBBHHHHI", 2, flags, kind, 0, len(boundary) + len(header) + len(data),
                         len(boundary), len(header), 0, 0)
    return raw("Body", 0x19, record + boundary + header + data, " sign='true'")


PROLOG, BODY, EPILOG, MESSAGE, IN_FILE = 1, 2, 3, 5, 0x0C


def cd_text(words):
    """CDPABDEFINITION, CDPABREFERENCE and CDTEXT, as canonical records."""
    words = words.encode()
    definition = struct.pack("<HH", 0xFF82, 84) + struct.pack("<H", 1) + bytes(78)
    run = struct.pack("<HHI", 0xFF85, 8 + len(words), 0x0A000001) + words
    return definition + struct.pack("<HH", 0x0483, 1) + run + (b"\0" if len(run) % 2 else b"") + b"\x81\x02"


def document(name, form, number, *items):
    unid = f"{number:08X}" * 4
    with open(os.path.join(HERE, name + ".dxl"), "w", encoding="utf-8", newline="\n") as file:
        file.write("<?xml version='1.0' encoding='utf-8'?>\n"
                   "<!DOCTYPE document SYSTEM 'xmlschemas/domino_12_0.dtd'>\n"
                   "<document xmlns='http://www.lotus.com/dxl' version='12.0' maintenanceversion='2.0' "
                   f"replicaid='852560C200400D2F' form='{form}'>\n"
                   f"<noteinfo noteid='{0x900 + 4 * number:x}' unid='{unid}' sequence='3'>\n"
                   "<created><datetime dst='false'>20260102T090807,06-05</datetime></created>\n"
                   "<modified><datetime dst='false'>20260102T090910,11-05</datetime></modified>\n"
                   "</noteinfo>\n<updatedby><name>CN=John Roe/O=Acme</name></updatedby>\n")
        file.write("".join(items))
        file.write("</document>\n")


USUAL = (text("From", "CN=John Roe/O=Acme"),
         text("SendTo", "CN=Jada Correr/O=Acme@Acme"),
         time("PostedDate", "20260102T090900,00-05"),
         text("$MessageID", "<OF1234.5678-ON85258D.004D@acme.example>"))
RECEIVED = (received("Received", "Received", "from a.example (a.example [192.0.2.1])\r\n\tby b.example "
                     "with ESMTP;\r\n\tFri, 2 Jan 2026 09:08:07 -0500\r\n"),
            received("From", "From", "\"Roe, John\" <john@else.example>\r\n", kind=8),
            received("SendTo", "To", "jada.correr@acme.example\r\n", kind=8),
            received("Subject", "Subject", "=?iso-8859-1?Q?Gr=FC=DFe?=\r\n aus der Ferne\r\n"),
            received("PostedDate", "Date", "Fri, 2 Jan 2026 09:08:07 -0500", kind=9),
            received("$MessageID", "Message-ID", "<1@else.example>\r\n", delimiter=":  "),
            received("MIME_Version", "Mime-Version", "1.0\r\n"))


def main():
    document("memo_text", "Memo", 1, text("From", "CN=John Roe/O=Acme"), text("INetFrom", "roe@acme.example"),
             text("SendTo", "CN=Jada Correr/O=Acme@Acme", "Sales Team", "Ann Lee/Sales/Acme@Acme", "x@else.example"),
             text("INetSendTo", ".", ".", "ann.lee@else.example", "."),
             text("CopyTo", "CN=J\u00fcrgen M\u00fcller/O=Acme", "\"Doe, Jane\" <jane@else.example>"),
             text("BlindCopyTo", "CN=Secret Reader/O=Acme"), text("INetBlindCopyTo", "secret@else.example"),
             text("Subject", "Plans for the new year: \u00dcbersicht, costs and everything else that has to be said"),
             time("PostedDate", "20260102T090900,00-05"), time("DeliveredDate", "20260102T091000,00-05"),
             text("Importance", "1"), text("ReturnReceipt", "1"), text("$Mailer", "Lotus Notes Release 8.5"),
             text("Categories", "private"),
             text("Body", "Dear all,\n\nthis is text.\n.\nFrom here on it goes \u2013 on.\n"))
    document("memo_rich", "Memo", 2, *USUAL, text("Subject", "Rich"),
             item("Body", "<richtext>\n<pardef id='1' leftmargin='1in'/>\n<par def='1'><run><font size='12pt' "
                  "style='bold' color='red'/>Dear</run><run> all &amp; one,</run></par>\n"
                  "<pardef id='2' list='bullet'/><par def='2'>first</par><par def='2'>second</par>\n"
                  "<par def='1'><urllink href='https://acme.example/a?b=c&amp;d'>the plan</urllink> and a picture: "
                  "<picture width='1px' height='1px' alttext='red'><gif>\n"
                  + base64.encodebytes(GIF).decode() + "</gif></picture></par>\n"
                  "<table><tablecolumn width='1in'/><tablecolumn width='1in'/><tablerow><tablecell><par def='1'>a</par>"
                  "</tablecell><tablecell><par def='1'>\u00fc</par></tablecell></tablerow></table>\n"
                  "<par def='1'><horizrule/></par><par def='1'><attachmentref name='plan.pdf' displayname='plan.pdf'>"
                  "<picture width='1px' height='1px'/></attachmentref> <attachmentref name='\u00dcbersicht 2026.xlsx' "
                  "displayname='\u00dcbersicht 2026.xlsx'/></par>\n</richtext>"),
             attachment("plan.pdf", PDF), attachment("\u00dcbersicht 2026.xlsx", b"PK\x03\x04" + b"x" * 100),
             attachment("a very long name of a file that does not fit one line of a header, as it happens.txt",
                        b"text\r\n", "", ""))
    gif = "<gif>\n" + base64.encodebytes(GIF).decode() + "</gif>"
    document("memo_rich_all", "Reply With History", 23, *USUAL, text("Subject", "Minutes"),
             item("Body", "<richtext>\n<pardef id='1' leftmargin='1in'/>\n<par def='1'><run><font size='10pt' "
                  "name='sans-serif' color='black'/>Hello Jada,</run></par>\n<par/>\n"
                  "<pardef id='2' leftmargin='1.25in' list='number'/><pardef id='3' leftmargin='1.75in' list='bullet'/>\n"
                  "<par def='2'>first</par>\n<par def='3'>of which</par>\n<par def='2'>second</par>\n"
                  "<pardef id='4' align='center' hide='notes print'/><pardef id='5' hide='web'/>\n"
                  "<par def='4'>for all but Notes</par>\n<par def='5'>for Notes alone</par>\n"
                  "<par def='1'>See <doclink document='76A9D1125CE5D88FE73F20DF20FE034F' database='852560C200400D2F' "
                  "server='CN=Mail1/O=Acme' description='The plan'/> and <urllink href='https://acme.example/'>"
                  "acme.example</urllink>.</par>\n"
                  "<pardef id='6'/><table widthtype='fitmargins'><tablecolumn width='50%'/><tablecolumn width='50%'/>\n"
                  "<tablerow><tablecell bgcolor='#e1e1e1' columnspan='2'><par def='6'>Costs</par></tablecell></tablerow>\n"
                  "<tablerow><tablecell><par def='6'>Paper</par></tablecell><tablecell><par def='6'>5 \u20ac</par>"
                  "<table><tablerow><tablecell><par def='6'>in it</par></tablecell></tablerow></table></tablecell></tablerow>\n"
                  "<tablerow><tablecell borderwidth='0px'><par def='6'><attachmentref name='costs.csv' displayname='Costs.csv'/>"
                  "</par></tablecell><tablecell><par def='6'><picture width='1px' height='1px' alttext='chart'>" + gif +
                  "</picture></par></tablecell></tablerow></table>\n"
                  "<par def='1'><run html='true'>&lt;b&gt;bold&lt;/b&gt;&lt;script&gt;alert(1)&lt;/script&gt;</run> "
                  "<button>Accept<code event='click'><formula>@Command</formula></code></button></par>\n"
                  "<section expanded='false'><sectiontitle pardef='1' color='teal'><text>John Roe wrote</text></sectiontitle>\n"
                  "<par def='1'><run><font style='italic' color='navy'/>Is it so?</run><picture>" + gif +
                  "</picture></par>\n<table><tablerow><tablecell><par def='6'>old</par></tablecell></tablerow></table>\n"
                  "</section>\n<par def='1'><horizrule/>End</par>\n</richtext>"),
             attachment("costs.csv", b"paper;5\r\n"))
    document("reply", "Reply", 3, *USUAL, text("Subject", "Re: Gr\u00fc\u00dfe aus K\u00f6ln"),
             text("In_Reply_To", "<1@else.example>"), text("References", "<0@else.example> <1@else.example>"),
             text("ReplyTo", "CN=Ann Lee/OU=Sales/O=Acme"), text("Body", "Thanks."))
    document("reply_with_history", "Reply With History", 4, *USUAL, text("Subject", "Re: Rich"),
             text("Principal", "CN=Jada Correr/O=Acme@Acme"),
             item("Body", "<richtext><pardef id='1'/><par def='1'>Yes.</par><section expanded='true'>"
                  "<sectiontitle><run>Jada Correr wrote</run></sectiontitle><par def='1'>Is it so?</par></section>"
                  "</richtext>"))
    document("phone_message", "Phone Message", 5, *USUAL, text("Subject", "Call"),
             text("Contact", "Ann Lee"), text("Company", "Acme"), text("Phone", "555 1234"), text("PleaseCall", "1"),
             text("Body", "It is urgent."))
    document("nondelivery_report", "NonDelivery Report", 6, text("From", "Mail Router"),
             text("SendTo", "CN=Jada Correr/O=Acme"), text("Subject", "DELIVERY FAILURE: no such person"),
             text("FailureReason", "User nobody (nobody@else.example) not listed in the directory"),
             text("IntendedRecipient", "nobody@else.example"), time("DeliveredDate", "20260102T091000,00-05"),
             item("Body", "<richtext><pardef id='1'/><par def='1'>What you sent</par></richtext>"))
    document("delivery_report", "Delivery Report", 7, text("From", "Mail Router"),
             text("SendTo", "CN=Jada Correr/O=Acme"), text("Subject", "DELIVERED: Plans"),
             text("IntendedRecipient", "CN=Ann Lee/OU=Sales/O=Acme"), time("DeliveredDate", "20260102T091000,00-05"))
    document("return_receipt", "Return Receipt", 8, *USUAL, text("Subject", "Return Receipt: Plans"),
             text("IntendedRecipient", "CN=Ann Lee/OU=Sales/O=Acme"), time("ReadDate", "20260102T091000,00-05"))
    document("quota_report", "Quota Report", 9, text("From", "CN=mail/O=Acme"),
             text("SendTo", "CN=Jada Correr/O=Acme"), text("Subject", "Your mail file has passed its warning threshold"),
             text("$QuotaType", "warning"), text("Body", "100 MB of 110 MB are used."))
    document("notice", "Notice", 10, *USUAL, text("Subject", "Invitation: Plans"), text("NoticeType", "I"),
             text("Topic", "Plans"), time("StartDateTime", "20260202T090000,00-05"),
             time("EndDateTime", "20260202T100000,00-05"), text("Location", "B\u00fcro 5"),
             text("Chair", "CN=John Roe/O=Acme"), text("RequiredAttendees", "CN=Jada Correr/O=Acme", "x@else.example"),
             item("Body", "<richtext><pardef id='1'/><par def='1'>Please come.</par></richtext>"))
    document("appointment", "Appointment", 11, *USUAL, text("Subject", "Lunch"), text("AppointmentType", "0"),
             time("StartDateTime", "20260202T120000,00-05"), time("EndDateTime", "20260202T130000,00-05"),
             text("Body", "Bring money."))
    document("native_mime", "Memo", 12, *RECEIVED,
             part(PROLOG, 0, "", "Content-Type: multipart/mixed; boundary=\"=_outer\"\r\n\r\n",
                  "This is a multipart message in MIME format.\r\n"),
             part(PROLOG, 0, "--=_outer\r\n", "Content-Type: multipart/alternative; boundary=\"=_inner\"\r\n\r\n", "\r\n"),
             part(BODY, 0, "--=_inner\r\n", "Content-Type: text/plain; charset=UTF-8\r\n"
                  "Content-Transfer-Encoding: quoted-printable\r\n\r\n", "Gr=C3=BC=C3=9Fe\r\n"),
             part(BODY, 0, "--=_inner\r\n", "Content-Type: text/html; charset=UTF-8\r\n"
                  "Content-Transfer-Encoding: quoted-printable\r\n\r\n", "<p>Gr=C3=BC=C3=9Fe</p>\r\n"),
             part(EPILOG, 0, "--=_inner--\r\n", "", ""),
             part(BODY, IN_FILE, "--=_outer\r\n", "Content-Type: application/pdf; name=\"plan.pdf\"\r\n"
                  "Content-Disposition: attachment; filename=\"plan.pdf\"\r\n"
                  "Content-Transfer-Encoding: binary\r\n\r\n", "plan.pdf"),
             part(BODY, IN_FILE, "--=_outer\r\n", "Content-Type: image/gif\r\n"
                  "Content-Transfer-Encoding: binary\r\n\r\n", "gone.gif"),
             part(MESSAGE, 0, "--=_outer\r\n", "Content-Type: message/rfc822\r\n\r\n", "Subject: inner\r\n\r\nmessage\r\n"),
             part(EPILOG, 0, "--=_outer--\r\n", "", ""),
             attachment("plan.pdf", PDF))
    document("native_one_part", "Memo", 13, *RECEIVED, received("X_Odd", "X-Odd", "Bcc: not a field\r\nBcc: x\r\n"),
             part(BODY, 0, "", "Content-Type: text/plain; charset=us-ascii\r\n"
                  "Content-Transfer-Encoding: quoted-printable\r\n\r\n", "Hello =\r\nagain.\r\n"))
    document("mime_element", "Memo", 14,
             item("Other", "<text>x</text>").replace("<item", "<mime><![CDATA[From: john@else.example\n"
             "To: jada.correr@acme.example\nSubject: whole\nMIME-Version: 1.0\nContent-Type: text/plain\n\n"
             "As it came: <&>.\n]]></mime>\n<item"))
    document("sealed", "Memo", 15, *USUAL, text("Subject", "sealed"), text("Encrypt", "1"),
             raw("$Seal", 0x9, b"\x01\x02\x03"), raw("$SealData", 0xa, b"\x04\x05\x06"))
    document("smime_signed", "Memo", 16, *RECEIVED,
             part(PROLOG, 0, "", "Content-Type: multipart/signed; protocol=\"application/pkcs7-signature\";\r\n"
                  "\tmicalg=sha-256; boundary=\"----5F3B\"\r\n\r\n", "This is an S/MIME signed message\r\n\r\n"),
             part(BODY, 0, "------5F3B\r\n", "Content-Type: text/plain\r\n\r\n", "signed  \r\n text\r\n\r\n"),
             part(BODY, 0, "------5F3B\r\n", "Content-Type: application/pkcs7-signature; name=\"smime.p7s\"\r\n"
                  "Content-Transfer-Encoding: base64\r\nContent-Disposition: attachment; filename=\"smime.p7s\"\r\n\r\n",
                  "MIAGCSqGSIb3DQEHAqCAMIACAQExDzANBglghkgBZQMEAgEFADCABgkqhkiG9w0B\r\nBwEAAA==\r\n\r\n"),
             part(EPILOG, 0, "------5F3B--\r\n", "", "\r\n"))
    document("smime_encrypted", "Memo", 17, *RECEIVED,
             part(BODY, 0, "", "Content-Type: application/pkcs7-mime; smime-type=enveloped-data; name=\"smime.p7m\"\r\n"
                  "Content-Transfer-Encoding: base64\r\nContent-Disposition: attachment; filename=\"smime.p7m\"\r\n\r\n",
                  "MIAGCSqGSIb3DQEHA6CAMIACAQAxggFhMIIBXQIBADBFMDAxCzAJBgNVBAYTAlVT\r\n"))
    document("hostile", "Memo", 18, text("From", "\"a\nb\" <a@b.example>\nX-Evil: 1"),
             text("SendTo", "x@y.example\nBcc: z@q.example", "\n\n", "<>", "=?utf-8?q?=0d=0aX-Evil:_1?= <e@v.example>"),
             text("Subject", "hello\n\nbody\nBcc: x@y.example"), text("$MessageID", "<a\nX-Evil: 1>"),
             text("X_Evil", "1\nBcc: x@y.example"), text("Received", "from\nX-Evil: 2"),
             time("PostedDate", "20269999T999999,99-99"),
             attachment("..\\..\\evil\n\"; x=\".exe", b"MZ"), text("Body", "\n.\nFrom x\nBcc: y\n"))
    document("empty", "Memo", 19)
    document("damaged", "Memo", 21, *USUAL, text("Subject", "damaged"),
             item("Body", "<richtext><pardef id='1'/><par def='1'>Some text.</par></richtext>"),
             attachment("cut.bin", b"x" * 300).replace("eHh4eHh4eHh4eHh4eHh4\n</filedata>", "****</filedata>"))
    document("cd_records", "Memo", 22, *USUAL, text("Subject", "records"),
             raw("Body", 0x1, cd_text("Hello from a raw item.")), attachment("empty.bin", b""))
    document("custom_form", "Order", 20, *USUAL, text("Subject", "Order 5"), text("X_Order", "5"),
             text("Body", "Of an application."))


if __name__ == "__main__":
    main()
