#!/usr/bin/env python3
"""Does the manual tell of every variable of notes.ini that the programs read, and
of no other?"""

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
    for room in ("addin/host", "addin/pop3", "addin/tools", "directory", "mailfile"):
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


def main():
    read, told = variables_read(), variables_told()
    if len(read) < 10:
        print("the search for variables finds too few: %s" % sorted(read))
        return 1
    for name in sorted(read - told):
        print("man/notes.ini.5 does not tell of %s" % name)
    for name in sorted(told - read):
        print("man/notes.ini.5 tells of %s, which nothing reads" % name)
    return 1 if read != told else 0


if __name__ == "__main__":
    sys.exit(main())
