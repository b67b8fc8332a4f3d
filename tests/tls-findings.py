#!/usr/bin/env python3
"""Reads what sslscan (XML) or testssl.sh (JSON) has found; says what is weak. See tls-scan.sh."""

import json
import sys
import xml.etree.ElementTree

# What testssl.sh warns of that is no word about the server.
NOT_OURS = {
    "engine_problem": "the tool's own openssl",
    "scanTime": "the machine was busy",
    "DNS_CAArecord": "mail.acme.example is not in the DNS",
    "OCSP_stapling": "the test CA answers no questions",
    "cert_revocation": "the test CA publishes no revocation list",
    "certificate_transparency": "the test CA writes no log",
}


def sslscan(path):
    scan = xml.etree.ElementTree.parse(path).getroot().find("ssltest")
    spoken = {(p.get("type"), p.get("version")) for p in scan.findall("protocol")
              if p.get("enabled") == "1"}
    if spoken != {("tls", "1.2"), ("tls", "1.3")}:
        yield "versions: %s" % sorted(spoken)
    ciphers = scan.findall("cipher")
    if len(ciphers) < 5:
        yield "only %d cipher suites were seen" % len(ciphers)
    for cipher in ciphers:
        if cipher.get("strength") not in ("strong", "acceptable"):
            yield "suite %s is %s" % (cipher.get("cipher"), cipher.get("strength"))
    for group in scan.findall("group"):
        if int(group.get("bits")) < 112:
            yield "group %s has %s bits" % (group.get("name"), group.get("bits"))
    for heartbleed in scan.findall("heartbleed"):
        if heartbleed.get("vulnerable") != "0":
            yield "heartbleed"
    for name, bad in (("renegotiation", "supported"), ("compression", "supported")):
        for found in scan.findall(name):
            if found.get(bad) != "0":
                yield "%s is supported" % name
    for key in scan.iter("pk"):
        if key.get("error") != "false":
            yield "the key of the certificate: %s" % key.attrib


def testssl(path):
    with open(path, encoding="utf-8") as f:
        found = json.load(f)
    if len(found) < 100:
        yield "only %d things were looked at: %s" % (len(found), found)
    for one in found:
        if one["severity"] not in ("OK", "INFO", "DEBUG") and one["id"] not in NOT_OURS:
            yield "%s: %s: %s" % (one["id"], one["severity"], one["finding"])


def main():
    weak = list({"sslscan": sslscan, "testssl": testssl}[sys.argv[1]](sys.argv[2]))
    print("%s: %s" % (sys.argv[1], "; ".join(weak) if weak else "nothing weak"))
    return 1 if weak else 0


if __name__ == "__main__":
    sys.exit(main())
