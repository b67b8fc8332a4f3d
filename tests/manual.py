#!/usr/bin/env python3
"""Does the manual tell of every variable of notes.ini that the programs read, and
of no other; of every table of a note database; and do the pages it refers to exist?"""

import os
import re
import sys

TOP = os.environ.get("top_srcdir", ".")
READ = re.compile(r'\b(?:setting|setting_number|ini_get|ini_get_number|separator)\s*\([^"();]*,\s*'
                  r'"(\w+)"')
TABLE = re.compile(r'\b(?:NUMBER|TEXT)\("(\w+)",')
# Looked up by made-up names, or of other files than notes.ini.
IGNORED = {"ServerTasksAt0", "ServerTasksAt23"}


def variables_read():
    found = set()
    for room in ("addin/host", "addin/pop3", "addin/lmtp", "addin/mail", "addin/tools", "directory", "mailfile"):
        for folder, _, files in os.walk(os.path.join(TOP, room)):
            for name in files:
                if not name.endswith(".c"):
                    continue
                with open(os.path.join(folder, name), encoding="utf-8") as f:
                    text = f.read()
                found.update(READ.findall(text))
                found.update(TABLE.findall(text))
    return found


def variables_told():
    found = set()
    with open(os.path.join(TOP, "man", "notes.ini.5"), encoding="utf-8") as f:
        for line in f:
            if line.startswith(".It Va "):
                found.update(re.findall(r"\b[A-Z]\w+", line[len(".It Va "):].replace(" No to Va", "")))
    return found - IGNORED


def text_of(*path):
    with open(os.path.join(TOP, *path), encoding="utf-8") as f:
        return f.read()


def tables_untold():
    tables = re.findall(r"CREATE TABLE (\w+)", text_of("nsf", "schema.c"))
    told = " ".join(re.findall(r"^\.It Li (.*)", text_of("man", "postil-nsf.5"), re.M))
    return [table for table in tables if not re.search(r"\b%s\b" % table, told)]


def pages_missing():
    """References to pages of ours that do not exist: (page, reference)."""
    pages = os.listdir(os.path.join(TOP, "man"))
    for page in sorted(p for p in pages if re.search(r"\.[1-8]$", p)):
        for name, section in re.findall(r"^\.Xr (postil\S*|notes\.ini) (\d)", text_of("man", page), re.M):
            if "%s.%s" % (name, section) not in pages:
                yield page, "%s(%s)" % (name, section)


def main():
    faults = ["man/postil-nsf.5 does not tell of the table " + table for table in tables_untold()]
    faults += ["man/%s refers to %s, which does not exist" % pair for pair in pages_missing()]
    for fault in faults:
        print(fault)
    read, told = variables_read(), variables_told()
    if len(read) < 10:
        print("the search for variables finds too few: %s" % sorted(read))
        return 1
    for name in sorted(read - told):
        print("man/notes.ini.5 does not tell of %s" % name)
    for name in sorted(told - read):
        print("man/notes.ini.5 tells of %s, which nothing reads" % name)
    return 1 if faults or read != told else 0


if __name__ == "__main__":
    sys.exit(main())
