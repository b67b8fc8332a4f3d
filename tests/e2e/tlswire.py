"""What no decent client of TLS sends: hellos of old versions, pieces of flights, and records
made by hand under the keys of a handshake that was in order.

    wire = Wire(server.connect_raw(), server.context(version=ssl.TLSVersion.TLSv1_3))
    wire.handshake()
    wire.line()                             the greeting
    wire.seize()                            from here on records are ours
    wire.send_record(APPLICATION, b"")      an empty one
"""

import ctypes
import ctypes.util
import functools
import hashlib
import hmac
import os
import socket
import ssl
import struct
import tempfile

CHANGE_CIPHER, ALERT, HANDSHAKE, APPLICATION = 20, 21, 22, 23
MODERN = (0x1301, 0x1302, 0xC02B, 0xC02F, 0xC02C, 0xC030, 0x9E, 0x9F)
OLD = (0x002F, 0x0035, 0x000A, 0x0005, 0x0004)


# --- in clear ---------------------------------------------------------------------------

def record(kind, payload, version=0x0301, length=None):
    return struct.pack(">BHH", kind, version, len(payload) if length is None else length) + payload


def handshake_message(kind, body):
    return struct.pack(">B", kind) + struct.pack(">I", len(body))[1:] + body


def extension(number, body):
    return struct.pack(">HH", number, len(body)) + body


def vector(body, octets=2):
    return len(body).to_bytes(octets, "big") + body


def sni(name):
    return extension(0, vector(b"\0" + vector(name)))


def alpn(*names):
    return extension(16, vector(b"".join(vector(n, 1) for n in names)))


def usual_extensions():
    """Without those of TLS 1.3."""
    return extension(10, vector(struct.pack(">HH", 0x17, 0x1D))) + extension(11, b"\1\0") + \
        extension(13, vector(struct.pack(">HHHH", 0x0403, 0x0804, 0x0401, 0x0501)))


def hello(version=0x0303, suites=MODERN, extensions=None, compressions=b"\0", session=b""):
    """The message; extensions: all of them, None: usual ones, b"": not even their length."""
    if extensions is None:
        extensions = usual_extensions()
    body = struct.pack(">H", version) + os.urandom(32) + vector(session, 1)
    body += vector(b"".join(struct.pack(">H", s) for s in suites)) + vector(compressions, 1)
    return handshake_message(1, body + (vector(extensions) if extensions else b""))


def hello_record(*arguments, **more):
    return record(HANDSHAKE, hello(*arguments, **more))


def hello_v2(version=0x0002):
    """As SSLv2 begins."""
    body = struct.pack(">BHHHH", 1, version, 9, 0, 16) + b"\1\0\x80\7\0\xc0\2\0\x80" + os.urandom(16)
    return struct.pack(">H", 0x8000 | len(body)) + body


def answer(s, most=1 << 20):
    """All that comes until the server closes."""
    octets = b""
    while len(octets) < most:
        try:
            more = s.recv(65536)
        except ConnectionResetError:
            break
        if not more:
            break
        octets += more
    return octets


def alert_of(octets):
    """(level, description) of the last record in clear; None: it is no alert."""
    at, last = 0, None
    while at + 5 <= len(octets):
        kind, _, n = struct.unpack(">BHH", octets[at:at + 5])
        last = (octets[at + 5], octets[at + 6]) if kind == ALERT and n == 2 else None
        at += 5 + n
    return last


# --- enciphered ----------------------------------------------------------------------------

@functools.lru_cache
def _libcrypto():
    library = ctypes.CDLL(ctypes.util.find_library("crypto") or "libcrypto.so.3")
    for name in ("EVP_CIPHER_CTX_new", "EVP_aes_128_gcm", "EVP_aes_256_gcm"):
        getattr(library, name).restype = ctypes.c_void_p
    return library


def seal(key, nonce, header, plain):
    """AES-GCM."""
    crypto = _libcrypto()
    cipher = ctypes.c_void_p(crypto.EVP_CIPHER_CTX_new())
    method = ctypes.c_void_p((crypto.EVP_aes_128_gcm if len(key) == 16
                              else crypto.EVP_aes_256_gcm)())
    out, n, tag = ctypes.create_string_buffer(len(plain) + 32), ctypes.c_int(), \
        ctypes.create_string_buffer(16)
    try:
        assert crypto.EVP_EncryptInit_ex(cipher, method, None, key, nonce) == 1
        assert crypto.EVP_EncryptUpdate(cipher, None, ctypes.byref(n), header, len(header)) == 1
        total = 0
        if plain:
            assert crypto.EVP_EncryptUpdate(cipher, out, ctypes.byref(n), plain, len(plain)) == 1
            total = n.value
        assert crypto.EVP_EncryptFinal_ex(cipher, ctypes.byref(out, total), ctypes.byref(n)) == 1
        assert crypto.EVP_CIPHER_CTX_ctrl(cipher, 0x10, 16, tag) == 1
        return out.raw[:total] + tag.raw
    finally:
        crypto.EVP_CIPHER_CTX_free(cipher)


def expand(secret, label, n, digest):
    """HKDF-Expand-Label of RFC 8446, no context."""
    info = struct.pack(">H", n) + vector(b"tls13 " + label, 1) + b"\0"
    out, block, i = b"", b"", 1
    while len(out) < n:
        block = hmac.new(secret, block + info + bytes([i]), digest).digest()
        out, i = out + block, i + 1
    return out[:n]


def prf(secret, seed, n, digest):
    """Of TLS 1.2; seed: label and seed."""
    out, a = b"", seed
    while len(out) < n:
        a = hmac.new(secret, a, digest).digest()
        out += hmac.new(secret, a + seed, digest).digest()
    return out[:n]


class Wire:
    """A client over a socket whose octets pass through our hands."""

    def __init__(self, s, context, name="mail.acme.example", session=None):
        self.socket, self.octets, self.captured = s, b"", b""
        handle, self.keys = tempfile.mkstemp(prefix="postil-keys-")
        os.close(handle)
        context.keylog_filename = self.keys
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.ssl = context.wrap_bio(self.incoming, self.outgoing, server_hostname=name,
                                    session=session)
        self.sequence = None

    def flight(self):
        """What the client would send now, and is not sent; b"": the handshake is done."""
        while True:
            try:
                self.ssl.do_handshake()
            except ssl.SSLWantReadError:
                out = self.outgoing.read()
                if out:
                    return out
                self.hear()
                continue
            return self.outgoing.read()

    def hear(self):
        octets = self.socket.recv(65536)
        if not octets:
            self.incoming.write_eof()
        self.captured += octets[:65536 - len(self.captured)] if len(self.captured) < 65536 else b""
        self.incoming.write(octets)
        return len(octets)

    def handshake(self):
        while True:
            out = self.flight()
            if out:
                self.socket.sendall(out)
            try:
                self.ssl.do_handshake()
                return self
            except ssl.SSLWantReadError:
                pass

    def line(self):
        """As Connection.line()."""
        while b"\r\n" not in self.octets:
            try:
                more = self.ssl.read(65536)
            except ssl.SSLWantReadError:
                try:
                    if self.hear() == 0:
                        return None
                except ConnectionResetError:
                    return None
                continue
            except ssl.SSLError:
                return None
            if not more:
                return None
            self.octets += more
        line, self.octets = self.octets.split(b"\r\n", 1)
        return line

    def ask(self, command):
        if self.sequence is not None:
            self.send_record(APPLICATION, command + b"\r\n")
        else:
            self.ssl.write(command + b"\r\n")
            self.socket.sendall(self.outgoing.read())
        return self.line()

    # --- records by hand

    def seize(self):
        with open(self.keys, encoding="ascii") as f:
            lines = [line.split() for line in f if line.strip() and line[0] != "#"]
        self.digest = hashlib.sha384 if self.ssl.cipher()[0].endswith("384") else hashlib.sha256
        self.key_octets = 32 if self.digest is hashlib.sha384 else 16
        assert "GCM" in self.ssl.cipher()[0], self.ssl.cipher()
        self.is_13 = self.ssl.version() == "TLSv1.3"
        if self.is_13:
            self.secret = bytes.fromhex([p[2] for p in lines if p[0] == "CLIENT_TRAFFIC_SECRET_0"][-1])
            self.derive()
        else:
            client, master = [(bytes.fromhex(p[1]), bytes.fromhex(p[2])) for p in lines
                              if p[0] == "CLIENT_RANDOM"][-1]
            block = prf(master, b"key expansion" + self.captured[11:43] + client,
                        2 * self.key_octets + 8, self.digest)
            self.key = block[:self.key_octets]
            self.iv = block[2 * self.key_octets:2 * self.key_octets + 4]
            self.sequence = 1
        return self

    def derive(self):
        self.key = expand(self.secret, b"key", self.key_octets, self.digest)
        self.iv = expand(self.secret, b"iv", 12, self.digest)
        self.sequence = 0

    def sealed(self, kind, payload, padding=0):
        """The octets of one record; padding: octets of it, TLS 1.3."""
        number = struct.pack(">Q", self.sequence)
        if self.is_13:
            plain = payload + bytes([kind]) + bytes(padding)
            header = struct.pack(">BHH", APPLICATION, 0x0303, len(plain) + 16)
            nonce = bytes(a ^ b for a, b in zip(self.iv, b"\0" * 4 + number))
            out = header + seal(self.key, nonce, header, plain)
        else:
            head = struct.pack(">BH", kind, 0x0303)
            out = head + struct.pack(">H", len(payload) + 24) + number + seal(
                self.key, self.iv + number, number + head + struct.pack(">H", len(payload)), payload)
        self.sequence += 1
        return out

    def send_record(self, kind, payload, padding=0):
        self.socket.sendall(self.sealed(kind, payload, padding))

    def key_update(self, request):
        """The record; what comes behind it has the new key."""
        out = self.sealed(HANDSHAKE, handshake_message(24, bytes([request])))
        self.secret = expand(self.secret, b"traffic upd", self.digest().digest_size, self.digest)
        self.derive()
        return out

    def close(self):
        self.socket.close()
        if os.path.exists(self.keys):
            os.unlink(self.keys)

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.close()


def flood(s, octets, seconds):
    """Send while the other end takes it; octets it took. Ends when it closes, or takes nothing for
    so many seconds."""
    sent = 0
    s.settimeout(seconds)
    try:
        while sent < len(octets):
            sent += s.send(octets[sent:sent + 65536])
    except (socket.timeout, ConnectionResetError, BrokenPipeError):
        pass
    return sent
