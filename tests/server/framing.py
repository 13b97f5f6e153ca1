"""Raw requests that different readers may split at different places.

Each is followed by SMUGGLED on the same connection. A reader that is strict answers the first one or
refuses it, and never gets to see the second.
"""
PATH = "/api/v3/wavespeed-ai/wan-2.2/t2v-480p-ultra-fast"
BODY = b'{"prompt": "a red ball"}'


def smuggled(key):
    """Makes a task, if anybody takes it for a request."""
    return (f"POST {PATH} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {key}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(BODY)}\r\n"
            "Connection: close\r\n\r\n").encode() + BODY


def post(fields, body=b"", line="POST /api/v3/predictions HTTP/1.1", host="Host: a\r\n"):
    """`fields` are sent as they are, ends of lines included."""
    head = line.encode() + b"\r\n" + host.encode()
    fields = fields if isinstance(fields, bytes) else fields.encode("latin-1")
    return head + fields + b"\r\n" + body


def get(fields="", line="GET /livez HTTP/1.1", host="Host: a\r\n"):
    return post(fields, line=line, host=host)


END = b"0\r\n\r\n"


def codings():
    """Transfer-Encoding: a request that has one is refused, however it is spelled."""
    for name, value in {
            "chunked": "chunked", "unknown": "xchunked", "after another": "gzip, chunked",
            "before another": "chunked, gzip", "twice": "chunked, chunked", "identity": "identity",
            "in capitals": "CHUNKED", "behind a tab": "\tchunked", "quoted": '"chunked"',
            "with a parameter": "chunked;a=b", "behind a comma": ", chunked", "empty": "",
            "behind a vertical tab": "\x0bchunked", "behind a NUL": "\0chunked",
            "behind 0xa0": "\xa0chunked", "before a bare CR": "chunked\r"}.items():
        yield f"coding {name}", post(f"Transfer-Encoding: {value}\r\n", END)
    yield "coding and length", post("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", END)
    yield "length and coding", post("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", END)
    yield "length 0 and coding", post("Content-Length: 0\r\nTransfer-Encoding: chunked\r\n", END)
    yield "two coding fields", post("Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n", END)
    yield "coding, space, colon", post("Transfer-Encoding : chunked\r\n", END)
    yield "coding, tab, colon", post("Transfer-Encoding\t: chunked\r\n", END)
    yield "coding folded", post("Transfer-Encoding:\r\n chunked\r\n", END)
    yield "coding in a folded line", post("X: a\r\n Transfer-Encoding: chunked\r\n", END)
    yield "coding behind a space", post(" Transfer-Encoding: chunked\r\n", END)
    yield "coding behind a bare LF", post("X: a\nTransfer-Encoding: chunked\r\n", END)
    yield "coding behind a bare CR", post("X: a\rTransfer-Encoding: chunked\r\n", END)
    yield "coding with an underscore", post("Transfer_Encoding: chunked\r\n", END)
    yield "coding in HTTP/1.0", post("Transfer-Encoding: chunked\r\n", END,
                                     line="POST /api/v3/predictions HTTP/1.0")
    yield "coding on a GET", post("Transfer-Encoding: chunked\r\n", END, line="GET /livez HTTP/1.1")
    yield "trailer", post("Transfer-Encoding: chunked\r\nTrailer: Authorization\r\n",
                          b"0\r\nAuthorization: x\r\n\r\n")
    yield "chunk with an extension", post("Transfer-Encoding: chunked\r\n", b"1;" + b"a" * 9000)
    yield "chunk of a negative size", post("Transfer-Encoding: chunked\r\n", b"-1\r\n\r\n" + END)
    yield "chunk larger than 64 bits", post("Transfer-Encoding: chunked\r\n",
                                            b"10000000000000000\r\n" + END)
    yield "chunks of one byte", post("Transfer-Encoding: chunked\r\n", b"1\r\na\r\n" * 50 + END)


def lengths(size):
    """Content-Length; `size` is that of the smuggled request."""
    for name, value in {
            "signed": "+0", "negative": "-1", "hexadecimal": "0x0", "empty": "", "a list": "0, 0",
            "with a space": "0 0", "with a NUL": "0\0", "a fraction": "0.0", "exponential": "0e1",
            "thirteen digits": "0000000000000", "beyond 64 bits": "18446744073709551616",
            "behind a vertical tab": "\x0b0", "with a point behind": "0.", "a word": "zero",
            "fullwidth": "０".encode().decode("latin-1")}.items():
        yield f"length {name}", post(f"Content-Length: {value}\r\n")
    yield "two lengths", post(f"Content-Length: 0\r\nContent-Length: {size}\r\n")
    yield "two lengths turned", post(f"Content-Length: {size}\r\nContent-Length: 0\r\n")
    yield "two equal lengths", post("Content-Length: 0\r\nContent-Length: 0\r\n")
    yield "length, space, colon", post("Content-Length : 0\r\n")
    yield "length with an underscore", post(f"Content_Length: {size}\r\nContent-Length: 0\r\n")
    yield "length folded", post("Content-Length:\r\n 0\r\n")
    yield "the smuggled request as its body", post(f"Content-Length: {size}\r\n")
    yield "the smuggled request as a GET's body", get(f"Content-Length: {size}\r\n")
    yield "as the body of a route that has none", post(
        f"Content-Length: {size}\r\n", line="POST /livez HTTP/1.1")
    yield "as the body of no route", post(f"Content-Length: {size}\r\n", line="PUT /none HTTP/1.1")
    yield "a length far too large", post("Content-Length: 999999999999\r\n")
    yield "an expectation that nobody waits for", post(
        f"Expect: 100-continue\r\nContent-Length: {size}\r\n")
    yield "an unknown expectation", post(f"Expect: tea\r\nContent-Length: {size}\r\n")


def lines():
    """First lines, hosts, and ends of lines."""
    yield "no version", get(line="GET /livez")
    yield "version 0.9", get(line="GET /livez HTTP/0.9")
    yield "version 1.2", get(line="GET /livez HTTP/1.2")
    yield "version 2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
    yield "version in small letters", get(line="GET /livez http/1.1")
    yield "absolute form", get(line="GET http://b/livez HTTP/1.1")
    yield "authority form", get(line="CONNECT a:80 HTTP/1.1")
    yield "asterisk form", get(line="OPTIONS * HTTP/1.1")
    yield "two spaces", get(line="GET  /livez HTTP/1.1")
    yield "a tab for a space", get(line="GET\t/livez HTTP/1.1")
    yield "a space in the target", get(line="GET /li vez HTTP/1.1")
    yield "a line in the target", get(line="GET /livez%0d%0aX:%20y HTTP/1.1")
    yield "a NUL in the target", get(line="GET /livez%00 HTTP/1.1")
    yield "dots in the target", get(line="GET /files/%2e%2e/livez HTTP/1.1")
    yield "a backslash in the target", get(line="GET /files\\..\\livez HTTP/1.1")
    yield "a fragment", get(line="GET /livez#a HTTP/1.1")
    yield "an unknown method", get(line="BREW /livez HTTP/1.1")
    yield "an empty line first", b"\r\n" + get("Connection: close\r\n")
    yield "lines that end with LF", b"GET /livez HTTP/1.1\nHost: a\n\n"
    yield "a head that ends with LF", b"GET /livez HTTP/1.1\r\nHost: a\r\n\n"
    yield "no host", get(host="")
    yield "two hosts", get("Host: b\r\n")
    yield "a host that is none", get(host="Host: a/../b\r\n")
    yield "a field without a name", get(": a\r\n")
    yield "a field without a colon", get("Transfer-Encoding\r\n")
    yield "a NUL in a field", get(b"X: a\0b\r\n")
    yield "two keys", get("Authorization: Bearer a\r\nAuthorization: Bearer b\r\n")
    yield "an upgrade", get("Connection: Upgrade, close\r\nUpgrade: h2c\r\nHTTP2-Settings: AA\r\n")
    yield "65 fields", get("".join(f"X{i}: a\r\n" for i in range(64)))
    yield "17 kB of fields", get("".join(f"X{i}: {'a' * 1000}\r\n" for i in range(17)))
    yield "a target of 9 kB", get(line=f"GET /{'a' * 9000} HTTP/1.1")
    yield "a TLS greeting", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"


def corpus(key):
    """Names and bytes; what is smuggled behind them is not in them yet."""
    return [*codings(), *lengths(len(smuggled(key))), *lines()]
