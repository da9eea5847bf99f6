"""A corpus of bad inputs for a web server: bytes of HTTP requests, of handshakes, and of frames after a handshake."""

END = b"\r\n"
HOST = b"Host: localhost\r\n"
KEY = b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"


def get(target: bytes = b"/accounts/login/", headers: bytes = b"", method: bytes = b"GET") -> bytes:
    """Return a request with a Host."""
    return method + b" " + target + b" HTTP/1.1\r\n" + HOST + headers + END


def post(headers: bytes, body: bytes = b"", target: bytes = b"/accounts/login/") -> bytes:
    """Return a form, without its length."""
    return b"POST " + target + b" HTTP/1.1\r\n" + HOST + headers + END + body


def multipart(boundary: bytes, body: bytes) -> bytes:
    """Return a form with parts."""
    content_type = b"Content-Type: multipart/form-data; boundary=" + boundary + END
    return post(content_type + b"Content-Length: %d\r\n" % len(body), body)


def chunked(body: bytes) -> bytes:
    """Return a form whose body comes in chunks."""
    return post(b"Content-Type: application/x-www-form-urlencoded\r\nTransfer-Encoding: chunked\r\n", body)


def form(body: bytes, headers: bytes = b"", target: bytes = b"/accounts/login/") -> bytes:
    """Return a form with its length."""
    content_type = b"Content-Type: application/x-www-form-urlencoded\r\n"
    return post(content_type + headers + b"Content-Length: %d\r\n" % len(body), body, target)


def handshake(
    headers: bytes = b"", target: bytes = b"/ws/progress", *, key: bytes = KEY, method: bytes = b"GET"
) -> bytes:
    """Return a handshake."""
    upgrade = b"Upgrade: websocket\r\nConnection: Upgrade\r\n"
    version = b"" if b"Version" in headers else b"Sec-WebSocket-Version: 13\r\n"
    return get(target, upgrade + key + version + headers, method)


REQUESTS = {
    # Methods, targets and versions
    "no request": b"nonsense\r\n\r\n",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 40,
    "SSH": b"SSH-2.0-OpenSSH_9.2p1\r\n\r\n",
    "SOCKS": b"\x05\x01\x00",
    "an RTSP request": b"OPTIONS rtsp://localhost/ RTSP/1.0\r\nCSeq: 1\r\n\r\n",
    "the preface of HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "HTTP/0.9": b"GET /\r\n\r\n",
    "HTTP/1.2": b"GET / HTTP/1.2\r\nHost: localhost\r\n\r\n",
    "HTTP/9.9": b"GET / HTTP/9.9\r\nHost: localhost\r\n\r\n",
    "a version in small letters": b"GET / http/1.1\r\nHost: localhost\r\n\r\n",
    "a version of other letters": "GET / HTTP/１.1\r\nHost: localhost\r\n\r\n".encode(),
    "an unknown method": get(method=b"FROBNICATE"),
    "TRACE": get(method=b"TRACE"),
    "CONNECT": b"CONNECT other.example:443 HTTP/1.1\r\nHost: other.example\r\n\r\n",
    "PROPFIND": get(method=b"PROPFIND"),
    "a method of other letters": "GÉT / HTTP/1.1\r\nHost: localhost\r\n\r\n".encode(),
    "a method with an escape sequence": b"G\x1b[31mET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "a very long method": b"A" * 10_000 + b" / HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "two spaces": b"GET  / HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "a tab": b"GET\t/ HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "no target": b"GET HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "an asterisk": get(b"*"),
    "a target without a slash": get(b"videos"),
    "a target of other letters": get("/vidéos".encode()),
    "a target with NUL": get(b"/a\0b"),
    "a target with an encoded NUL": get(b"/a%00b"),
    "an encoded line break": get(b"/a%0d%0aSet-Cookie:%20a=b"),
    "an encoded escape sequence": get(b"/%1b%5b31mred"),
    "half a percent sign": get(b"/%"),
    "a percent sign without digits": get(b"/%zz"),
    "an overlong encoding": get(b"/%c0%ae%c0%ae/etc/passwd"),
    "a lone surrogate": get(b"/%ed%a0%80"),
    "a byte that is no UTF-8": get(b"/%ff%fe"),
    "dot segments": get(b"/../../../etc/passwd"),
    "encoded dot segments": get(b"/static/%2e%2e/%2e%2e/etc/passwd"),
    "backslashes": get(b"/static/..\\..\\etc"),
    "a static file with NUL": get(b"/static/a%00.js"),
    "a very long static file": get(b"/static/" + b"a" * 5000),
    "a very long segment": get(b"/videos/" + b"a" * 10_000 + b"/"),
    "a target that is too long": get(b"/" + b"a" * 20_000),
    "a target of another host": get(b"http://other.example/"),
    "a target that is no URL": get(b"http://[::1/"),
    "two slashes": get(b"//other.example/%2f.."),
    "many parameters": get(b"/?" + b"a=b&" * 3000, method=b"DELETE"),
    "a date that is none": get(b"/nothing/?page=-1&added=0000-99-99"),
    "a video's id with NUL": get(b"/videos/a%00b/"),
    # Hosts
    "no host": b"GET / HTTP/1.1\r\n\r\n",
    "two hosts": get(headers=HOST),
    "two different hosts": get(headers=b"Host: other.example\r\n"),
    "another host": b"GET / HTTP/1.1\r\nHost: other.example\r\n\r\n",
    "a host with a path": b"GET / HTTP/1.1\r\nHost: localhost/evil\r\n\r\n",
    "a host with a user": b"GET / HTTP/1.1\r\nHost: a@localhost\r\n\r\n",
    "a host of other letters": "GET / HTTP/1.1\r\nHost: löcalhost\r\n\r\n".encode(),
    "a host with an escape sequence": b"GET / HTTP/1.1\r\nHost: \x1b[31mlocalhost\r\n\r\n",
    "a host with a port that is none": b"GET / HTTP/1.1\r\nHost: localhost:99999999\r\n\r\n",
    "a very long host": b"GET / HTTP/1.1\r\nHost: " + b"a" * 9000 + b"\r\n\r\n",
    "an empty host": b"GET / HTTP/1.1\r\nHost:\r\n\r\n",
    # Headers
    "a header without a colon": get(headers=b"nothing\r\n"),
    "a header without a name": get(headers=b": value\r\n"),
    "a space before the colon": get(headers=b"X-A : b\r\n"),
    "a name of other letters": get(headers="X-É: b\r\n".encode()),
    "a name with NUL": get(headers=b"X-\0: b\r\n"),
    "a value with NUL": get(headers=b"X-A: a\0b\r\n"),
    "a value with an escape sequence": get(headers=b"X-A: \x1b]0;title\x07\r\n"),
    "a value with a vertical tab": get(headers=b"X-A: a\x0bb\r\n"),
    "a value with a line feed": get(headers=b"X-A: a\nX-B: b\r\n"),
    "a value with a carriage return": get(headers=b"X-A: a\rX-B: b\r\n"),
    "a value with another line end": get(headers=b"X-A: a\x85X-B: b\r\n"),
    "line feeds only": b"GET / HTTP/1.1\nHost: localhost\n\n" + b"x" * 17_000,
    "a header that begins with a space": b"GET / HTTP/1.1\r\n Host: localhost\r\n\r\n",
    "many headers": get(headers=b"X-A: b\r\n" * 300),
    "cookies of 20 kB": get(headers=b"Cookie: " + b"a=b; " * 4000 + END),
    "Accept-Language of 1 MB": get(headers=b"Accept-Language: " + b"de," * 350_000 + END),
    # Bodies
    "a length that is none": post(b"Content-Length: x\r\n"),
    "a negative length": post(b"Content-Length: -1\r\n"),
    "a length with a sign": post(b"Content-Length: +5\r\n", b"hello"),
    "a length in hexadecimal": post(b"Content-Length: 0x5\r\n", b"hello"),
    "two lengths": post(b"Content-Length: 5\r\nContent-Length: 6\r\n", b"hello!"),
    "the same length twice": post(b"Content-Length: 5\r\nContent-Length: 5\r\n", b"hello"),
    "a list of lengths": post(b"Content-Length: 5, 5\r\n", b"hello"),
    "a length of 5,000 digits": post(b"Content-Length: " + b"9" * 5000 + END),
    "a length of 1 TB": post(b"Content-Length: 1000000000000\r\n"),
    "a length of 1 TB to the form that adds videos": post(b"Content-Length: 1000000000000\r\n", target=b"/videos/add/"),
    "a length of 1 TB, asking first": post(b"Content-Length: 1000000000000\r\nExpect: 100-continue\r\n"),
    "a length and chunks": post(b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", b"0\r\n\r\n"),
    "chunks and a length": post(b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", b"0\r\n\r\n"),
    "chunks twice": post(b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", b"0\r\n\r\n"),
    "chunks of chunks": post(b"Transfer-Encoding: chunked, chunked\r\n", b"0\r\n\r\n"),
    "compressed chunks": post(b"Transfer-Encoding: gzip, chunked\r\n", b"0\r\n\r\n"),
    "an encoding that is none": post(b"Transfer-Encoding: xchunked\r\n", b"0\r\n\r\n"),
    "an identity": post(b"Transfer-Encoding: identity\r\nContent-Length: 5\r\n", b"hello"),
    "chunks behind a space": post(b"Transfer-Encoding : chunked\r\n", b"0\r\n\r\n"),
    "chunks behind a vertical tab": post(b"Transfer-Encoding: \x0bchunked\r\n", b"0\r\n\r\n"),
    "chunks of HTTP/1.0": b"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "a chunk with a sign": chunked(b"+5\r\nhello\r\n0\r\n\r\n"),
    "a negative chunk": chunked(b"-5\r\nhello\r\n0\r\n\r\n"),
    "a chunk with a prefix": chunked(b"0x5\r\nhello\r\n0\r\n\r\n"),
    "a chunk with an underscore": chunked(b"1_0\r\n" + b"a" * 16 + b"\r\n0\r\n\r\n"),
    "a chunk without a size": chunked(b"\r\nhello\r\n0\r\n\r\n"),
    "a chunk without its end": chunked(b"5\r\nhelloX\r\n0\r\n\r\n"),
    "an extension without end": chunked(b"5;" + b"a" * 5000),
    "an extension with a line feed": chunked(b"5;a\nb\r\nhello\r\n0\r\n\r\n"),
    "trailers without end": chunked(b"0\r\n" + b"X-A: b\r\n" * 10_000),
    "chunks of more than is taken": chunked((b"10000\r\n" + b"a" * 65_536 + END) * 8),
    "tiny chunks with long extensions": chunked((b"1;" + b"a" * 1000 + b"\r\na\r\n") * 1500),
    "a form of 300 kB": form(b"a=" + b"b" * 300_000),
    "many fields": form(b"&".join(b"f%d=" % number for number in range(5000))),
    "a form of other bytes": form(b"username=%ff%fe&password=%00&\xff\xfe=\x80"),
    "a form in an unknown character set": post(
        b"Content-Type: application/x-www-form-urlencoded; charset=klingon\r\nContent-Length: 3\r\n", b"a=b"
    ),
    "a type that is none": post(b"Content-Type: \xff/;=;;\r\nContent-Length: 3\r\n", b"a=b"),
    "parts without a boundary": post(b"Content-Type: multipart/form-data\r\nContent-Length: 3\r\n", b"abc"),
    "a boundary of other letters": multipart("é".encode(), b"--\xc3\xa9\r\n\r\n"),
    "a very long boundary": multipart(b"b" * 5000, b"--" + b"b" * 5000),
    "parts without end": multipart(b"b", b"--b\r\nContent-Disposition: form-data; name=a\r\n\r\nabc"),
    "a part in base64 that is none": multipart(
        b"b",
        b'--b\r\nContent-Disposition: form-data; name="a"\r\nContent-Transfer-Encoding: base64\r\n\r\n!\r\n--b--\r\n',
    ),
    "a part with a bad file name": multipart(
        b"b", b'--b\r\nContent-Disposition: form-data; name="f"; filename="../../\0x"\r\n\r\nabc\r\n--b--\r\n'
    ),
    "many parts": multipart(b"b", b'--b\r\nContent-Disposition: form-data; name="f"\r\n\r\n\r\n' * 3000 + b"--b--\r\n"),
    "a form without a token": form(b"username=ann&password=x"),
    "a token of other letters": form(b"csrfmiddlewaretoken=%ff%00", b"Cookie: csrftoken=\xff\xfe\r\n"),
    "an origin that is none": form(b"a=b", b"Origin: http://[::1\r\n"),
    "a referer that is none": form(b"a=b", b"Referer: http://[\r\n"),
}
# Requests that are odd, and are answered all the same: by 200, 304 or a redirect to the sign-in page.
ODD_REQUESTS = {
    "a range that is none": get(b"/static/favicon.svg", b"Range: bytes=9-1,x-y,-\r\n"),
    "a date of the year 0": get(headers=b"If-Modified-Since: Mon, 00 Jan 0000 99:99:99 GMT\r\n"),
    "a date of the year 999999999": get(headers=b"If-Modified-Since: Mon, 01 Jan 999999999 00:00:00 GMT\r\n"),
    "an entity tag that is none": get(headers=b'If-None-Match: "' + b"\xff" * 50 + b', W/"\r\n'),
    "cookies that are none": get(headers=b'Cookie: ="; ;;=\xff\xfe; messages=%%%; sessionid=\xc3\x28; a="\\\r\n'),
    "languages that are none": get(headers=b"Accept-Language: ;q=,,*;q=x\r\n"),
    "encodings that are none": get(headers=b"Accept-Encoding: \xff;q=9,gzip;q=-1\r\n"),
    "an unknown expectation": get(headers=b"Expect: the-spanish-inquisition\r\n"),
    "an address that is none": get(headers=b"X-Forwarded-For: \x80'; DROP TABLE\r\nX-Forwarded-Proto: ://\r\n"),
    "a root path": get(headers=b"Daphne-Root-Path: /%ff\xff\r\n"),
    "an unknown upgrade": get(headers=b"Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\n"),
    "htmx headers that are none": get(headers=b"HX-Request: true\r\nHX-Current-URL: http://[\r\nHX-Target: \xff\r\n"),
    "an encoded htmx header": get(
        headers=b"HX-Request: true\r\nHX-Current-URL-URI-AutoEncoded: true\r\nHX-Current-URL: %ff\r\n"
    ),
}
HANDSHAKES = {
    "no key": handshake(key=b""),
    "two keys": handshake(KEY),
    "a short key": handshake(key=b"Sec-WebSocket-Key: AAAA\r\n"),
    "a key that is no base64": handshake(key=b"Sec-WebSocket-Key: !!!!!!!!!!!!!!!!!!!!!!==\r\n"),
    "a key of other letters": handshake(key="Sec-WebSocket-Key: éééééééééééé\r\n".encode()),
    "version 0": handshake(b"Sec-WebSocket-Version: 0\r\n"),
    "version 8": handshake(b"Sec-WebSocket-Version: 8\r\n"),
    "a version that is none": handshake(b"Sec-WebSocket-Version: x\r\n"),
    "two versions": handshake(b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Version: 13\r\n"),
    "a subprotocol of other letters": handshake("Sec-WebSocket-Protocol: é\r\n".encode()),
    "an encoded subprotocol": handshake(b"Sec-WebSocket-Protocol: %0d%0aX-A:b\r\n"),
    "the same subprotocol twice": handshake(b"Sec-WebSocket-Protocol: a, a\r\n"),
    "many subprotocols": handshake(b"Sec-WebSocket-Protocol: " + b",".join(b"p%d" % n for n in range(500)) + END),
    "an empty subprotocol": handshake(b"Sec-WebSocket-Protocol: ,\r\n"),
    "a foreign origin": handshake(b"Origin: http://other.example\r\n"),
    "an origin of other letters": handshake("Origin: http://é\r\n".encode()),
    "an origin that is none": handshake(b"Origin: http://[::1\r\n"),
    "two origins": handshake(b"Origin: http://localhost\r\nOrigin: http://localhost\r\n"),
    "another path": handshake(target=b"/ws/other"),
    "a path with a fragment": handshake(target=b"/ws/progress#a"),
    "a target that is no URL": handshake(target=b"//[/ws/progress"),
    "POST": handshake(method=b"POST"),
    "a body": handshake(b"Content-Length: 5\r\n") + b"hello",
    "no upgrade of the connection": get(b"/ws/progress", b"Upgrade: websocket\r\nConnection: close\r\n" + KEY),
    "HTTP/1.0": handshake().replace(b"HTTP/1.1", b"HTTP/1.0"),
    "a port that is none": handshake().replace(b"Host: localhost", b"Host: localhost:x"),
    "a value with another line end": handshake(b"X-A: a\x85Upgrade: b\r\n"),
}
_MASK = b"\0\0\0\0"
# After a good handshake. Each ends the connection.
FRAMES = {
    "text that is no UTF-8": b"\x81\x82" + _MASK + b"\xff\xfe",
    "a binary frame": b"\x82\x81" + _MASK + b"a",
    "a frame without a mask": b"\x81\x01a",
    "reserved bits": b"\xf1\x81" + _MASK + b"a",
    "an unknown opcode": b"\x83\x81" + _MASK + b"a",
    "an unknown control frame": b"\x8b\x80" + _MASK,
    "a fragmented ping": b"\x09\x80" + _MASK,
    "a long ping": b"\x89\xfe\x01\x00" + _MASK + b"a" * 256,
    "a continuation of nothing": b"\x80\x81" + _MASK + b"a",
    "a text within a text": b"\x01\x81" + _MASK + b"a" + b"\x81\x81" + _MASK + b"a",
    "a frame of 2^63 bytes": b"\x81\xff\xff\xff\xff\xff\xff\xff\xff\xff" + _MASK,
    "a frame of 1 MB": b"\x81\xff\x00\x00\x00\x00\x00\x10\x00\x00" + _MASK + b"a" * 1_048_576,
    "a length that could be shorter": b"\x81\xfe\x00\x01" + _MASK + b"a",
    "a close frame of one byte": b"\x88\x81" + _MASK + b"a",
    "a close code that is none": b"\x88\x82" + _MASK + b"\x00\x01",
    "a close reason that is no UTF-8": b"\x88\x83" + _MASK + b"\x03\xe8\xff",
    "empty fragments": b"\x01\x80" + _MASK + (b"\x00\x80" + _MASK) * 5000,
    "empty texts": (b"\x81\x80" + _MASK) * 5000,
    "pings": (b"\x89\x80" + _MASK) * 5000,
    "pongs": (b"\x8a\x80" + _MASK) * 5000,
    "texts": (b"\x81\x84" + _MASK + b"ping") * 5000,
}
