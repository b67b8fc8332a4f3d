"""Internet password digests for test data: the forms of HTTPPassword.

Independent of base/inetpass.c on purpose, so that each checks the other. Started by hand it
asks for a password and prints its digest in the form V3.
"""
import getpass
import hashlib
import os
import sys

SBOX = bytes.fromhex(
    "bd56eaf2a2f1ac2ab093d19c1b33fdd03004b6dc7ddf324bf7cb459b31bb215a"
    "419fe1d94a4d9edaa0682cc3275f80363eeefb951afecea834a913f0a63fd80c"
    "7824af2352c16717f56690e7e807b86048e61e53f392a4728c08156e860084fa"
    "f47f8a4219f6dbcd148d5012ba3c064eecb33511a1888e2b9499b77174d3e4bf"
    "3ade960ebc0aed77fc376b03798962c6d7c0d27c6a8b22a35b055d0275d561e3"
    "188f5551ad1f0b5e85e5c25763ca3d6cb4c5cc70b291590d4720c84f58e001e2"
    "1638c46f3b0f6546be7e2d7b82f940b51d73f8eb26c787972554b128aa989da5"
    "646d7ad4108144ef49d6ae2edd765c2fa71cc909699a83cf2939b9e94cff43ab")
ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz+/"


def _mix(state, block):
    x = bytearray(state) + bytearray(block) + bytearray(a ^ b for a, b in zip(state, block))
    t = 0
    for _ in range(18):
        for j in range(48):
            x[j] ^= SBOX[(t + 48 - j) & 255]
            t = x[j]
    return bytes(x[:16])


def digest(data):
    pad = 16 - len(data) % 16
    data += bytes([pad]) * pad
    state, check = bytes(16), bytearray(16)
    for i in range(0, len(data), 16):
        block = data[i:i + 16]
        state = _mix(state, block)
        t = check[15]
        for j in range(16):
            check[j] ^= SBOX[block[j] ^ t]
            t = check[j]
    return _mix(state, bytes(check))


def encode(data):
    out = []
    for i in range(0, len(data), 3):
        v = int.from_bytes(data[i:i + 3], "big")
        out += [ALPHABET[v >> s & 63] for s in (18, 12, 6, 0)]
    return "".join(out)


def v1(password):
    return "(" + digest(password).hex().upper() + ")"


def v2(password, salt=None):
    salt = salt or os.urandom(5)
    raw = bytearray(salt + digest((salt + v1(password).encode())[:34])[:10])
    raw[3] = (raw[3] + 4) & 255
    return "(G" + encode(raw)[:-1] + ")"


def v3(password, rounds=5000, salt=None):
    salt = salt or os.urandom(16)
    key = hashlib.pbkdf2_hmac("sha1", v2(password, salt[:5]).encode(), salt, rounds, 8)
    raw = bytearray(salt + b"%010d" % rounds + b"02" + key)
    raw[3] = (raw[3] + 4) & 255
    return "(H" + encode(raw) + ")"


def main():
    """Asks for a password and prints the value of HTTPPassword for it."""
    read = getpass.getpass if sys.stdin.isatty() else lambda _: sys.stdin.readline().rstrip("\n")
    password = read("Password: ")
    if sys.stdin.isatty() and read("Again: ") != password:
        sys.exit("inetpass.py: the two are not the same")
    if not password or not password.isascii() or not password.isprintable():
        sys.exit("inetpass.py: a password is made of printable ASCII characters")
    print(v3(password.encode()))


if __name__ == "__main__":
    main()
