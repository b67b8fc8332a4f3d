"""Person documents as an exporter writes them: DXL of any size, made one by one.

    names.py FOLDER PERSONS [PERSONS-PER-FILE]

Each document holds 40 items, a noteinfo with its dates, the name of who changed it
last and the revisions. Long lines are broken inside tags, as exporters do.
"""
import os
import sys

ORGANIZATION = "Bench"
ITEMS = 40

FIRST = ("Ada", "Bruno", "Chiara", "Dmitri", "Elif", "Fatou", "Göran", "Hana", "Iñigo", "Jürgen", "Katarzyna",
         "Lê", "Maëlle", "Nikhil", "Olga", "Paulo", "Quentin", "Rosalind", "Søren", "Tomás")

HEAD = """<?xml version='1.0' encoding='utf-8'?>
<!DOCTYPE database SYSTEM 'xmlschemas/domino_12_0.dtd'>
<database xmlns='http://www.lotus.com/dxl' version='12.0' maintenanceversion='2.0'
 replicaid='C12586A00048D1F2' path='names.nsf' title='Bench&apos;s Directory'>
"""
TAIL = "</database>\n"

MOMENT = "<datetime dst='true'>2024%02d%02dT131833,%02d+02</datetime>"

PERSON = """<document form='Person'>
<noteinfo noteid='%(noteid)x' unid='%(unid)032X' sequence='7'>
<created>%(moment)s</created>
<modified>%(moment)s</modified>
<revised>%(moment)s</revised>
<lastaccessed>%(moment)s</lastaccessed>
<addedtofile>%(moment)s</addedtofile></noteinfo>
<updatedby><name>CN=Directory Administrator/O=Bench</name><name>CN=bench/O=Bench</name></updatedby>
<revisions>%(moment)s%(moment)s</revisions>
<item name='Type'><text>Person</text></item>
<item name='FullName' names='true'><textlist><text
>CN=%(first)s %(last)s/OU=Unit %(unit)d/O=Bench</text><text>%(first)s %(last)s</text><text
>%(user)s</text></textlist></item>
<item name='FirstName'><text>%(first)s</text></item>
<item name='MiddleInitial'><text/></item>
<item name='LastName'><text>%(last)s</text></item>
<item name='ShortName'><text>sn%(number)d</text></item>
<item name='Title'><text/></item>
<item name='InternetAddress'><text>%(user)s@example.com</text></item>
<item name='HTTPPassword'><text
>%(digest)s</text></item>
<item name='HTTPPasswordChangeDate'><datetime/></item>
<item name='MailSystem'><text>1</text></item>
<item name='MailDomain'><text>BENCH</text></item>
<item name='MailServer' names='true'><text>CN=bench/O=Bench</text></item>
<item name='MailFile'><text>mail\\%(user)s</text></item>
<item name='MailAddress'><text/></item>
<item name='MessageStorage'><text>1</text></item>
<item name='EncryptIncomingMail'><text/></item>
<item name='Owner' names='true' authors='true'><text
>CN=%(first)s %(last)s/OU=Unit %(unit)d/O=Bench</text></item>
<item name='LocalAdmin' names='true' authors='true'><text/></item>
<item name='DocumentAccess' names='true' authors='true'><text>[UserModifier]</text></item>
<item name='AvailableForDirSync'><text>1</text></item>
<item name='CompanyName'><text>Bench &amp; Söhne</text></item>
<item name='Department'><text>Unit %(unit)d</text></item>
<item name='EmployeeID'><number>%(number)d</number></item>
<item name='JobTitle'><text/></item>
<item name='Location'><text>Building %(unit)d</text></item>
<item name='Manager' names='true'><text>CN=Ada Lovelace 0/OU=Unit 0/O=Bench</text></item>
<item name='OfficeStreetAddress'><text>%(unit)d Example Street<break/>Second court</text></item>
<item name='OfficeCity'><text>Bern</text></item>
<item name='OfficeZIP'><text>3000</text></item>
<item name='OfficeCountry'><text>CH</text></item>
<item name='OfficePhoneNumber'><text>+41 31 555 %(number)06d</text></item>
<item name='CellPhoneNumber'><text>+41 79 555 %(number)06d</text></item>
<item name='CheckPassword'><text>0</text></item>
<item name='PasswordChangeInterval'><number>0</number></item>
<item name='PasswordGracePeriod'><number>0</number></item>
<item name='PasswordChangeDate'><datetime/></item>
<item name='ClntBld'><textlist><text>Release 12.0.2</text><text>Release 11.0.1</text></textlist></item>
<item name='Certificate' summary='false'><text
>0300E803 6502A300 0F001507 0059864E 001A%(number)08X G0025601 00AE2F5C 7C86D4A1 11BF20
3C4E5F60 718293A4 B5C6D7E8 F90A1B2C 3D4E5F60 718293A4 B5C6D7E8 F90A1B2C 3D4E5F60 7182
93A4B5C6 D7E8F90A 1B2C3D4E 5F607182 93A4B5C6 D7E8F90A 1B2C3D4E 5F607182 93A4B5C6 D7E8</text></item>
<item name='$Abstract'><text>%(user)s</text></item></document>
"""
assert PERSON.count("<item ") == ITEMS


def unit_of(number):
    return number % 97


def full_name(number):
    return f"{FIRST[number % len(FIRST)]} {last_name(number)}"


def last_name(number):
    """One of its own for each, with letters before: every Soundex code has many."""
    return "".join("bcdfghjklmnprstvwz"[number // 18 ** i % 18] + "aeiou"[i] for i in range(4)).capitalize() + str(number)


def person(number, digest):
    return PERSON % {
        "noteid": 0x8F6 + 4 * number, "unid": 0xC1258AA00048D1F20000000000000000 + number, "number": number,
        "moment": MOMENT % (number % 12 + 1, number % 28 + 1, number % 100), "first": FIRST[number % len(FIRST)],
        "last": last_name(number), "unit": unit_of(number), "user": f"user{number}", "digest": digest,
    }


def write(path, numbers, digest, digests=None):
    """One file; digests: {number: digest} of those who differ. It appears as a whole."""
    with open(path + ".new", "w", encoding="utf-8") as f:
        f.write(HEAD)
        for number in numbers:
            f.write(person(number, (digests or {}).get(number, digest)))
        f.write(TAIL)
    os.rename(path + ".new", path)


def write_folder(folder, persons, per_file, digest):
    """The paths of the files."""
    paths = []
    for first in range(0, persons, per_file):
        paths.append(os.path.join(folder, f"persons-{first // per_file:03d}.dxl"))
        write(paths[-1], range(first, min(first + per_file, persons)), digest)
    return paths


def main():
    folder, persons = sys.argv[1], int(sys.argv[2])
    write_folder(folder, persons, int(sys.argv[3]) if len(sys.argv) > 3 else persons, "(blank)")


if __name__ == "__main__":
    main()
